import { sql } from 'kysely'
import type { Db, Tables } from '../../db/schema.ts'
import { apiError, badQueryParameter, unprocessable } from '../../errors/api-error.ts'
import type { Caller } from '../../permissions/caller.ts'
import { labelCondition, parseLabelSelector, type Requirement } from './label-selector.ts'
import { type Page, parsePage } from './pagination.ts'
import { keysOf, type QueryParameter } from './query-parameters.ts'
import { listValue, type QueryString } from './query-string.ts'
import type { Filter, Resource, ResourceFacts, ResourceQuery, ResourceRow } from './resource.ts'
import { type TimeCondition, timeConditions } from './timestamps.ts'
import { humanized, quoted } from './words.ts'

/** A list request, validated. */
export interface ListRequest {
  readonly page: Page
  readonly orderBy: { readonly key: string; readonly direction: 'asc' | 'desc' } | undefined
  readonly guids: readonly string[] | undefined
  readonly createdAts: TimeCondition[][]
  readonly updatedAts: TimeCondition[][]
  readonly labels: readonly Requirement[]
  readonly filters: ReadonlyMap<string, string[]>
  /** Filters of the form `key[not]`. */
  readonly exceptions: ReadonlyMap<string, string[]>
  readonly include: readonly string[]
}

export interface ListRules {
  /** Filters of the resource that a nested list refuses: the parent's own. */
  readonly without?: readonly string[]
  /** 400/10005 unless the operation is one of the few that answer 422/10008 (semantics, section 2.1). */
  readonly faultsAs?: 'bad-query' | 'unprocessable'
  /** What the handler reads of the query by itself. */
  readonly alsoAllowed?: readonly QueryParameter[]
}

const paging = ['page', 'per_page', 'order_by']
const common = ['created_ats', 'updated_ats', 'guids'] as const

/** Reads the query of a list. Throws with all faults in CC's words. */
export function parseListQuery<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  query: QueryString,
  rules: ListRules = {},
): ListRequest {
  const faults: string[] = []
  refuseUnknown(resource, query, rules, faults)
  if (resource.isNeverUpdated && query.keys.includes('updated_ats'))
    faults.push("Filtering by 'updated_ats' is not allowed on this resource.")
  const request: ListRequest = {
    page: parsePage(query, faults),
    orderBy: parseOrder(resource, query, faults),
    guids: listOf(query, 'guids', faults),
    createdAts: timeConditions(query, 'created_ats', faults),
    updatedAts: timeConditions(query, 'updated_ats', faults),
    labels: query.values.has('label_selector')
      ? parseLabelSelector(query.values.get('label_selector') ?? '', faults)
      : [],
    filters: parseFilters(resource, query, faults),
    exceptions: parseExceptions(resource, query, faults),
    include: resource.include ? parseInclude(Object.keys(resource.include), query, faults) : [],
  }
  throwFaults(faults, rules.faultsAs)
  return request
}

export function throwFaults(faults: readonly string[], as: ListRules['faultsAs'] = 'bad-query'): void {
  if (faults.length === 0) return
  throw as === 'bad-query' ? badQueryParameter(faults.join(', ')) : unprocessable(faults.join(', '))
}

/** The keys of the query of a list, in the order in which CC names them. */
export function listKeys(resource: ResourceFacts, { without = [], alsoAllowed = [] }: ListRules): string[] {
  return [
    ...paging,
    ...common.filter((key) => !resource.withoutFilters?.includes(key)),
    ...(resource.hasMetadata ? ['label_selector'] : []),
    ...Object.keys(resource.filters ?? {}).filter((key) => !without.includes(key)),
    ...(resource.include ? ['include'] : []),
    ...keysOf(alsoAllowed),
  ]
}

/** What a list can be ordered by. */
export function orderKeys({ isNeverUpdated, orderBy = {} }: ResourceFacts): string[] {
  return [...(isNeverUpdated ? ['created_at'] : ['created_at', 'updated_at']), ...Object.keys(orderBy)]
}

function refuseUnknown(resource: ResourceFacts, query: QueryString, rules: ListRules, faults: string[]): void {
  const { without = [] } = rules
  const allowed = listKeys(resource, rules)
  const unknown = query.keys.filter((key) => !allowed.includes(key))
  if (unknown.length === 0) return
  // A filter that only this nested list refuses is named without the list of valid ones (semantics, section 2.1).
  const nested = unknown.every((key) => without.includes(key))
  faults.push(
    `Unknown query parameter(s): ${quoted(unknown)}${nested ? '' : `. Valid parameters are: ${quoted(allowed)}`}`,
  )
}

function parseOrder<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  query: QueryString,
  faults: string[],
): ListRequest['orderBy'] {
  const text = query.values.get('order_by') ?? resource.impliedOrder
  if (text === undefined || text === '') return undefined
  const [, sign, key = ''] = /^([+\- ]?)(.*)$/.exec(text) ?? []
  const keys = orderKeys(resource)
  if (!keys.includes(key)) faults.push(`Order by can only be: ${quoted(keys)}`)
  return { key, direction: sign === '-' ? 'desc' : 'asc' }
}

function listOf(query: QueryString, key: string, faults: string[]): string[] | undefined {
  if (query.nested.has(key)) faults.push(`${humanized(key)} must be an array`)
  return plainListOf(query, key)
}

function plainListOf(query: QueryString, key: string): string[] | undefined {
  const text = query.values.get(key)
  return text === undefined ? undefined : listValue(text)
}

function parseExceptions<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  query: QueryString,
  faults: string[],
): Map<string, string[]> {
  const exceptions = new Map<string, string[]>()
  for (const [key, filter] of Object.entries(resource.filters ?? {})) {
    const operators = query.nested.get(key)
    if (!('noneOf' in filter) || !operators) continue
    const text = operators.get('not')
    if (text) exceptions.set(key, listValue(text))
    else faults.push(`${humanized(key)} ${key} has an invalid operator`)
  }
  return exceptions
}

function parseFilters<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  query: QueryString,
  faults: string[],
): Map<string, string[]> {
  const filters = new Map<string, string[]>()
  for (const [key, filter] of Object.entries(resource.filters ?? {})) {
    const values = 'noneOf' in filter ? plainListOf(query, key) : listOf(query, key, faults)
    if (values === undefined) continue
    if ('boolean' in filter && values[0] !== 'true' && values[0] !== 'false')
      faults.push(`${humanized(key)} must be 'true' or 'false'`)
    if ('parse' in filter) filter.parse(values, faults)
    filters.set(key, values)
  }
  faults.push(...(resource.filterFaults?.(filters) ?? []))
  return filters
}

/** Reads `include`; `valid` are the operation's values. */
export function parseInclude(valid: readonly string[], query: QueryString, faults: string[]): string[] {
  const text = query.values.get('include')
  if (text === undefined) return []
  return chosenOf('included', valid, text, faults)
}

/** The resources that a parameter names, which are to be "included" or "embedded". Each fault is told, a repetition once. */
export function chosenOf(verb: string, valid: readonly string[], text: string, faults: string[]): string[] {
  const chosen = listValue(text)
  const times = new Map<string, number>()
  for (const name of chosen) {
    const time = (times.get(name) ?? 0) + 1
    times.set(name, time)
    if (!valid.includes(name))
      faults.push(`Invalid ${verb} resource: '${name}'. Valid ${verb} resources are: ${quoted(valid)}`)
    else if (time === 2) faults.push(`Duplicate ${verb} resource: '${name}'`)
  }
  return chosen
}

/** The resource's rows that the caller sees and asked for, not yet ordered or paged. */
export function filteredQuery<TB extends keyof Tables, R extends ResourceRow, E>(
  db: Db,
  caller: Caller,
  resource: Resource<TB, R, E>,
  request: ListRequest,
): ResourceQuery<TB, R> {
  let query = resource.readableBy(resource.select(db), caller, db)
  const column = (name: string) => sql.ref(`${resource.table}.${name}`)
  if (request.guids) query = query.where(sql<boolean>`${column('guid')} in (${sql.join(request.guids)})`)
  for (const [name, conditions] of [
    ['created_at', request.createdAts],
    ['updated_at', request.updatedAts],
  ] as const) {
    if (conditions.length > 0) query = query.where(anyTime(column(name), conditions))
  }
  for (const requirement of request.labels) {
    query = query.where((eb) =>
      labelCondition(eb, { resourceType: resource.type, guidColumn: `${resource.table}.guid` }, requirement),
    )
  }
  for (const [key, values] of request.filters) {
    query = applyFilter(resource.filters?.[key], query, values, db, caller)
  }
  for (const [key, values] of request.exceptions) {
    const filter = resource.filters?.[key]
    if (filter && 'noneOf' in filter) query = filter.noneOf(query, values, db, caller)
  }
  return query
}

function anyTime(column: ReturnType<typeof sql.ref>, conditions: TimeCondition[][]) {
  const alternatives = conditions.map((all) => {
    const parts = all.map(({ operator, value }) => sql`${column} ${sql.raw(operator)} ${value}`)
    return sql`(${parts.length === 0 ? sql`1 = 1` : sql.join(parts, sql` and `)})`
  })
  return sql<boolean>`(${sql.join(alternatives, sql` or `)})`
}

function applyFilter<Q>(filter: Filter<Q> | undefined, query: Q, values: string[], db: Db, caller: Caller): Q {
  if (!filter) throw apiError('ServerError')
  if (typeof filter === 'function') return filter(query, values, db, caller)
  if ('boolean' in filter) return filter.boolean(query, values[0] === 'true', db, caller)
  if ('noneOf' in filter) return filter.anyOf(query, values, db, caller)
  return filter.narrow(query, values, db, caller)
}

/**
 * Orders by what was asked, else by the resource's default, else by creation; ties are broken so that pages never overlap.
 * `fromTheEnd` turns all of it around.
 */
export function ordered<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  query: ResourceQuery<TB, R>,
  orderBy: ListRequest['orderBy'],
  fromTheEnd = false,
): ResourceQuery<TB, R> {
  const isDescending = (orderBy?.direction === 'desc') !== fromTheEnd
  const direction = isDescending ? 'desc' : 'asc'
  const wanted = orderBy
    ? [resource.orderBy?.[orderBy.key] ?? sql.ref(`${resource.table}.${orderBy.key}`)]
    : (resource.defaultOrder ?? [])
  // The order of creation, also of what was created in the same millisecond.
  const columns = [...wanted, sql.ref(`${resource.table}.id`)]
  let ordering = query
  for (const column of columns) ordering = ordering.orderBy(column as never, direction)
  return ordering
}

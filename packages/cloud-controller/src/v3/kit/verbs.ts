import type { Tables } from '../../db/schema.ts'
import { notFound } from '../../errors/api-error.ts'
import type { RequestContext } from '../../http/environment.ts'
import {
  filteredQuery,
  type ListRequest,
  type ListRules,
  ordered,
  parseInclude,
  parseListQuery,
  throwFaults,
} from './list-query.ts'
import { paginationObject } from './pagination.ts'
import { presentAll, presented, viewOf } from './present.ts'
import { keysOf } from './query-parameters.ts'
import { parseQueryString } from './query-string.ts'
import type { Included, Resource, ResourceQuery, ResourceRow, View } from './resource.ts'
import { quoted } from './words.ts'

/** Parts of `included` that the handler adds by itself, such as those of `fields[…]`; gets all rows of the page. */
export type AlsoIncluded<R> = (rows: readonly R[], view: View) => Promise<readonly Included[]>

export interface ListOptions<TB extends keyof Tables, R> extends ListRules {
  readonly alsoIncluded?: AlsoIncluded<R> | undefined
  /** Narrows a nested list to its parent. */
  readonly where?: (query: ResourceQuery<TB, R>) => ResourceQuery<TB, R>
  /** Adds to the presented rows what does not come from the database; gets all of the page at once. */
  readonly decorate?: (
    presented: ReadonlyArray<Record<string, unknown>>,
    rows: readonly R[],
  ) => ReadonlyArray<Record<string, unknown>>
}

/** Answers a page of the resource: 200 with `pagination`, `resources` and, when asked for, `included`. */
export async function list<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  options: ListOptions<TB, R> = {},
): Promise<Response> {
  const { db, caller } = c.var
  const request = parseListQuery(resource, parseQueryString(c.req.url), options)
  const view = viewOf(c, 'list')
  const narrowed = await resource.narrow?.(request.filters, view)
  const all = filteredQuery(db, caller, resource, request)
  const filtered = narrowed ? narrowed(all) : all
  const wanted = options.where ? options.where(filtered) : filtered
  const total = await count(wanted)
  const rows = await rowsOfPage(resource, wanted, request, total)
  const resources = await presentAll(db, resource, rows, view)
  const inclusions = await included(c, resource, rows, { names: request.include, also: options.alsoIncluded, view })
  return c.json({
    // CC counts by a window over the page's rows, so on a page past the end it counts none (lib/cloud_controller/paging).
    pagination: paginationObject(request.page, rows.length === 0 ? 0 : total, pageAddress(c, request)),
    resources: options.decorate ? options.decorate(resources, rows) : resources,
    ...(inclusions && { included: inclusions }),
  })
}

/**
 * A database steps over every row before the page. One in the second half is therefore fetched in reverse order from the end,
 * which makes the last page as cheap as the first.
 */
async function rowsOfPage<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  query: ResourceQuery<TB, R>,
  { page: { page, perPage }, orderBy }: ListRequest,
  total: number,
): Promise<R[]> {
  const before = (page - 1) * perPage
  const size = Math.min(perPage, total - before)
  if (size <= 0) return []
  const behind = total - before - size
  const fromTheEnd = behind < before
  const rows = await ordered(resource, query, orderBy, fromTheEnd)
    .limit(size)
    .offset(fromTheEnd ? behind : before)
    .execute()
  return (fromTheEnd ? rows.toReversed() : rows) as R[]
}

async function count<TB extends keyof Tables, R>(query: ResourceQuery<TB, R>): Promise<number> {
  const row = await query
    .clearSelect()
    .clearOrderBy()
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number((row as { count: number }).count)
}

/** Addresses keep the filters and always carry the sign of an order (semantics, section 3). */
function pageAddress(c: RequestContext, { page, orderBy }: ListRequest): (page: number) => string {
  const url = new URL(c.req.url, c.var.settings.externalUrl)
  const filters = [...url.searchParams].filter(([key]) => !['page', 'per_page', 'order_by'].includes(key))
  return (number) => {
    const parameters = new URLSearchParams(filters)
    if (orderBy) parameters.set('order_by', `${orderBy.direction === 'desc' ? '-' : '+'}${orderBy.key}`)
    parameters.set('page', String(number))
    parameters.set('per_page', String(page.perPage))
    parameters.sort()
    return `${c.var.settings.externalUrl}${url.pathname}?${parameters}`
  }
}

async function included<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  rows: readonly R[],
  { names, also, view }: { names: readonly string[]; also: AlsoIncluded<R> | undefined; view: View },
): Promise<Record<string, readonly unknown[]> | undefined> {
  if (names.length === 0 && !also) return undefined
  const parts: Included[] = [...((await also?.(rows, view)) ?? [])]
  for (const name of names) {
    const include = resource.include?.[name]
    if (include) parts.push(...[await include(c.var.db, rows, view)].flat())
  }
  return Object.fromEntries(parts.map(({ key, resources }) => [key, resources]))
}

/** The row with this guid, if the caller sees it. Throws 404 "<Resource> not found". */
export async function find<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  guid: string = c.req.param('guid') ?? '',
): Promise<R> {
  const row = await findReadable(c, resource, guid)
  if (!row) throw notFound(resource.singular)
  return row
}

/** The row with this guid, or undefined when it does not exist or the caller does not see it. */
export async function findReadable<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  guid: string,
): Promise<R | undefined> {
  const { db, caller } = c.var
  const query = resource.readableBy(resource.select(db), caller, db)
  return (await query.where(`${resource.table}.guid` as never, '=', guid as never).executeTakeFirst()) as R | undefined
}

/** The row as it is now, without asking who sees it: for answering after a write. */
export async function reread<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  guid: string,
): Promise<R> {
  const row = await resource
    .select(c.var.db)
    .where(`${resource.table}.guid` as never, '=', guid as never)
    .executeTakeFirst()
  if (!row) throw notFound(resource.singular)
  return row as R
}

export interface ShowOptions<R> extends Pick<ListRules, 'faultsAs' | 'alsoAllowed'> {
  readonly alsoIncluded?: AlsoIncluded<R> | undefined
}

/** Answers one resource: 200, or 404 when the caller does not see it. Understands `include`. */
export async function show<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  options: ShowOptions<R> = {},
): Promise<Response> {
  const names = showQuery(c, resource, options)
  const row = await find(c, resource)
  const answer = await presented(c, resource, row)
  const view = viewOf(c, 'show')
  const inclusions = await included(c, resource, [row], { names, also: options.alsoIncluded, view })
  return c.json({ ...answer, ...(inclusions && { included: inclusions }) })
}

function showQuery<TB extends keyof Tables, R extends ResourceRow, E>(
  c: RequestContext,
  resource: Resource<TB, R, E>,
  { faultsAs, alsoAllowed = [] }: Pick<ListRules, 'faultsAs' | 'alsoAllowed'>,
): string[] {
  const query = parseQueryString(c.req.url)
  const faults: string[] = []
  const include = parseInclude(Object.keys(resource.include ?? {}), query, faults)
  const valid = [...(resource.include ? ['include'] : []), ...keysOf(alsoAllowed)]
  // Without anything to say CC does not look at the query at all.
  const unknown = valid.length > 0 ? query.keys.filter((key) => !valid.includes(key)) : []
  if (unknown.length > 0)
    faults.push(`Unknown query parameter(s): ${quoted(unknown)}. Valid parameters are: ${quoted(valid)}`)
  throwFaults(faults, faultsAs)
  return include
}

import { z } from 'zod'
import { scimFault } from '../errors.ts'

/** UAA never returns more in one page (uaa: ScimUserEndpoints.java, `userMaxCount`). */
const maxCount = 500

export const scimSchemas = ['urn:scim:schemas:core:1.0']

const whole = z.coerce.number().int()

const ListParameters = z.object({
  filter: z.string().optional(),
  sortBy: z.string().default('created'),
  sortOrder: z.string().default('ascending'),
  startIndex: whole.default(1).transform((n) => Math.max(n, 1)),
  count: whole.default(100).transform((n) => Math.min(Math.max(n, 0), maxCount)),
  attributes: z.string().optional(),
})

export interface ListRequest {
  readonly filter: string
  readonly sortBy: string
  readonly ascending: boolean
  /** Of the first, counted from 1. */
  readonly startIndex: number
  readonly count: number
  readonly attributes: readonly string[]
}

/** Throws UaaError 400 for an index or count that is no whole number. */
export function readListRequest(parameters: Record<string, string>): ListRequest {
  const read = ListParameters.safeParse(parameters)
  if (!read.success) throw scimFault(`Invalid parameter: ${read.error.issues[0]?.path.join('.') ?? ''}`)
  const { filter, sortBy, sortOrder, startIndex, count, attributes } = read.data
  return {
    filter: filter?.trim() || 'id pr',
    sortBy,
    ascending: sortOrder.toLowerCase() === 'ascending',
    startIndex,
    count,
    attributes: (attributes ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  }
}

export const pageOf = ({ startIndex, count }: ListRequest) => ({ offset: startIndex - 1, limit: count })

/** The envelope of every SCIM list; `resources` reduced to the attributes that the client asked for. */
export function presentList(
  request: ListRequest,
  resources: readonly Record<string, unknown>[],
  total: number,
  schemas: readonly string[] = scimSchemas,
) {
  return {
    resources: resources.map((resource) => selected(resource, request.attributes)),
    startIndex: request.startIndex,
    itemsPerPage: request.count,
    totalResults: total,
    schemas,
  }
}

const shorthands: Record<string, string> = { familyname: 'name.familyName', givenname: 'name.givenName' }

function selected(resource: Record<string, unknown>, attributes: readonly string[]): Record<string, unknown> {
  if (attributes.length === 0) return resource
  const pairs = attributes.map((name) => {
    const path = shorthands[name.toLowerCase()] ?? name
    const { key, value } = lookUp(resource, path.split('.'))
    return [key === undefined || path.includes('.') ? name : key, value] as const
  })
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}

/** Follows a dotted path through objects and lists, with names in any case. `key` is the name as the resource has it. */
function lookUp(value: unknown, path: readonly string[]): { key?: string; value: unknown } {
  const [name, ...rest] = path
  if (name === undefined) return { value }
  if (Array.isArray(value)) return { value: value.map((element) => lookUp(element, path).value) }
  if (typeof value !== 'object' || value === null) return { value: undefined }
  const entry = Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase())
  return entry ? { key: entry[0], value: lookUp(entry[1], rest).value } : { value: undefined }
}

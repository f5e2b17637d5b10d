import { badQueryParameter } from '../../errors/api-error.ts'
import { listParameter, type QueryParameter } from './query-parameters.ts'
import type { QueryString } from './query-string.ts'
import { listValue } from './query-string.ts'
import { quoted } from './words.ts'

/** The keys that may be asked for, by resource: `{'space.organization': ['guid', 'name']}`. */
export type SelectableFields = Readonly<Record<string, readonly string[]>>
/** The keys that were asked for, by resource. */
export type FieldSelection = ReadonlyMap<string, readonly string[]>

/** The parameters `fields[<resource>]`, as the OpenAPI document shows them. */
export function fieldParameters(selectable: SelectableFields): QueryParameter[] {
  return Object.entries(selectable).map(([resource, keys]) => listParameter(`fields[${resource}]`, keys))
}

/** Reads `fields[<resource>]=a,b`. Throws 400/10005 with what is wrong in CC's words (semantics, section 6). */
export function parseFieldSelection(query: QueryString, selectable: SelectableFields): FieldSelection {
  if (query.values.has('fields')) throw badQueryParameter('Fields must be an object')
  const selection = new Map<string, string[]>()
  const faults: string[] = []
  for (const [resource, text] of query.nested.get('fields') ?? []) {
    const keys = listValue(text)
    const valid = Object.hasOwn(selectable, resource) ? selectable[resource] : undefined
    if (!valid) faults.push(`Fields [${resource}] valid resources are: ${quoted(Object.keys(selectable))}`)
    else if (keys.some((key) => !valid.includes(key)))
      faults.push(`Fields valid keys for '${resource}' are: ${quoted(valid)}`)
    else selection.set(resource, keys)
  }
  if (faults.length > 0) throw badQueryParameter(faults.join(', '))
  return selection
}

/** Of `values` what was asked for. */
export function selectedFields(
  keys: readonly string[],
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const selected: Record<string, unknown> = {}
  for (const key of keys) {
    if (values[key] === undefined) continue
    const [outer = '', inner] = key.split('.')
    selected[outer] = inner === undefined ? values[key] : { [inner]: values[key] }
  }
  return selected
}

import { apiError, badQueryParameter } from '../../errors/api-error.ts'

/** A query string as CC reads it: the last value of a key counts; `created_ats[gt]` and `fields[space]` keep their brackets' content. */
export interface QueryString {
  /** Plain keys. */
  readonly values: ReadonlyMap<string, string>
  /** `key[inner]=value` as key → inner → value. */
  readonly nested: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** All keys, the nested ones by their outer name, in order of appearance. */
  readonly keys: readonly string[]
}

/** In all lists of a query together. A statement may have 32,766 variables on SQLite, and some filters use each value twice. */
const maximumValues = 5000

/** Throws 400/10004 for broken percent escapes, and 400/10005 for more values than a statement could take. */
export function parseQueryString(url: string): QueryString {
  const values = new Map<string, string>()
  const nested = new Map<string, Map<string, string>>()
  const keys = new Set<string>()
  let count = 0
  const start = url.indexOf('?')
  for (const pair of start < 0 ? [] : url.slice(start + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    count += value.split(',').length
    if (count > maximumValues) throw badQueryParameter(`Too many values (maximum is ${maximumValues})`)
    const bracket = /^([^[]+)\[([^\]]*)\]$/.exec(key)
    if (!bracket) {
      keys.add(key)
      values.set(key, value)
      continue
    }
    const [, outer = '', inner = ''] = bracket
    keys.add(outer)
    nested.set(outer, (nested.get(outer) ?? new Map<string, string>()).set(inner, value))
  }
  return { values, nested, keys: [...keys] }
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    if (decoded.includes('\0')) throw apiError('InvalidRequest')
    return decoded
  } catch {
    throw apiError('InvalidRequest')
  }
}

/**
 * A list value: split on commas with optional blanks behind, then each element decoded once more, so that a literal comma
 * can be sent doubly encoded (semantics, section 4). An empty value is one empty element.
 */
export function listValue(text: string): string[] {
  return text.split(/,\s*/).map(decode)
}

/** The rules of label and annotation keys and label values (semantics, section 5). */

export interface MetadataKey {
  readonly prefix: string
  readonly name: string
}

const maximumNameLength = 63
const maximumPrefixLength = 253
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/i
const reservedPrefix = 'cloudfoundry.org'

/** Splits `prefix/name`; the prefix is empty where there is none. */
export function splitKey(key: string): MetadataKey {
  const slash = key.indexOf('/')
  return slash < 0 ? { prefix: '', name: key } : { prefix: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The opposite of `splitKey`. */
export const joinedKey = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}/${name}`)

/** What is wrong with a key, or undefined. */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'key cannot be empty string'
  if (key.split('/').length > 2) return "key has more than one '/'"
  const { prefix, name } = splitKey(key)
  if (key.includes('/')) {
    if (!isDnsName(prefix)) return `prefix '${prefix}' must be in valid dns format`
    if (prefix.length > maximumPrefixLength)
      return `prefix '${prefix.slice(0, 8)}...' is greater than ${maximumPrefixLength} characters`
    if (prefix.toLowerCase() === reservedPrefix) return `prefix '${reservedPrefix}' is reserved`
  }
  return name === '' ? 'key cannot be empty string' : nameFault(name)
}

/** Label by label: one expression for all of them has no room on the stack for a prefix of a megabyte. */
function isDnsName(text: string): boolean {
  const labels = text.split('.')
  return labels.length > 1 && labels.every((label) => dnsLabel.test(label))
}

/** What is wrong with a label's value, or undefined; an empty one is fine. */
export function valueFault(value: string): string | undefined {
  return value === '' ? undefined : nameFault(value)
}

function nameFault(name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name)) return `'${name}' contains invalid characters`
  if (!/^[a-zA-Z0-9](.*[a-zA-Z0-9])?$/.test(name)) return `'${name}' starts or ends with invalid characters`
  if (name.length > maximumNameLength) return `'${name.slice(0, 8)}...' is greater than ${maximumNameLength} characters`
  return undefined
}

/** How CC turns an attribute's name into words: `memory_in_mb` → "Memory in mb". */
export function humanized(attribute: string): string {
  const words = attribute.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** `'a', 'b'` as CC lists values in its messages. */
export function quoted(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}

/** A value that a client sent, as text. Unlike `String`, also when an object has a key `toString`. */
export function printed(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

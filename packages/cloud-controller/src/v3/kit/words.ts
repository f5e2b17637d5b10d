/** How CC turns an attribute's name into words: `memory_in_mb` → "Memory in mb". */
export function humanized(attribute: string): string {
  const words = attribute.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** `'a', 'b'` as CC lists values in its messages. */
export function quoted(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}

const special: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be escaped
const unsafe = /["\\\x00-\x1f\x7f]/g

/**
 * A string (one character a byte, as Node.js gives headers) in double quotes as Go's strconv.AppendQuote writes it,
 * so that no header can forge a field or a line.
 */
export function quote(value: string): string {
  const escaped = value.replace(
    unsafe,
    (character) => special[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `"${escaped}"`
}

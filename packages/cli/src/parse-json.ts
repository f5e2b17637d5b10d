/** The value of a JSON text, or undefined for a text that is none, where that is no fault. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

import { unpackHeaders } from './messages.ts'

/** Headers that may come only once; a repeated one is dropped, as Node.js does (lib/_http_incoming.js). */
const single = new Set(['authorization', 'content-length', 'content-type', 'from', 'host', 'location', 'user-agent'])

/** The headers of a request, read-only. Parsed at the first look: many requests are answered after one or two. */
export class RequestHeaders implements Iterable<[string, string]> {
  readonly #packed: string
  #parsed: Map<string, string> | undefined

  constructor(packed: string) {
    this.#packed = packed
  }

  get(name: string): string | null {
    return this.#map().get(name.toLowerCase()) ?? null
  }
  has(name: string): boolean {
    return this.#map().has(name.toLowerCase())
  }
  forEach(callback: (value: string, name: string, headers: RequestHeaders) => void): void {
    for (const [name, value] of this.#map()) callback(value, name, this)
  }
  entries(): MapIterator<[string, string]> {
    return this.#map().entries()
  }
  keys(): MapIterator<string> {
    return this.#map().keys()
  }
  values(): MapIterator<string> {
    return this.#map().values()
  }
  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries()
  }

  #map(): Map<string, string> {
    if (this.#parsed) return this.#parsed
    const parsed = new Map<string, string>()
    const pairs = unpackHeaders(this.#packed)
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const name = (pairs[i] ?? '').toLowerCase()
      const value = pairs[i + 1] ?? ''
      const before = parsed.get(name)
      if (before === undefined) parsed.set(name, value)
      else if (!single.has(name)) parsed.set(name, `${before}${name === 'cookie' ? '; ' : ', '}${value}`)
    }
    this.#parsed = parsed
    return parsed
  }
}

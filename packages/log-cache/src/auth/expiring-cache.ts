interface Entry<V> {
  readonly value: V
  /** Milliseconds of `performance.now()`. */
  readonly until: number
}

/** A map whose entries end after a while, and that holds a limited number of them: the oldest goes first. */
export class ExpiringCache<V> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #maxEntries: number

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry && entry.until > performance.now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, value: V, lifeInSeconds: number): void {
    if (lifeInSeconds <= 0) return
    this.#entries.delete(key)
    this.#entries.set(key, { value, until: performance.now() + lifeInSeconds * 1000 })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#maxEntries && oldest !== undefined) this.#entries.delete(oldest)
  }
}

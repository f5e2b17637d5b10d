export interface Queued {
  /** Whom it is queued for: entries of one client are served in order, clients by turns. */
  readonly client: string
  /** `performance.now()` when it was queued. */
  queuedAt: number
}

/** A bounded queue in which the clients take turns, so that one with many requests delays itself and not the others. */
export class FairQueue<Entry extends Queued> {
  /** Clients with something queued, the next one first. An emptied client leaves; a client that returns goes last. */
  readonly #clients = new Map<string, Entry[]>()
  readonly #limit: number
  readonly #perClientLimit: number
  #length = 0

  constructor(limit: number, perClientShare: number) {
    this.#limit = limit
    this.#perClientLimit = Math.max(1, Math.ceil(limit * perClientShare))
  }

  get length(): number {
    return this.#length
  }

  hasRoomFor(client: string): boolean {
    return this.#length < this.#limit && (this.#clients.get(client)?.length ?? 0) < this.#perClientLimit
  }

  push(entry: Entry): void {
    const waiting = this.#clients.get(entry.client)
    if (waiting) waiting.push(entry)
    else this.#clients.set(entry.client, [entry])
    this.#length++
  }

  /** The oldest entry of the client whose turn it is, among those that `mayRun`. That client then goes to the end of the row. */
  take(mayRun: (client: string) => boolean): Entry | undefined {
    for (const [client, waiting] of this.#clients) {
      if (!mayRun(client)) continue
      const entry = waiting.shift()
      this.#clients.delete(client)
      if (waiting.length > 0) this.#clients.set(client, waiting)
      if (entry) this.#length--
      return entry
    }
    return undefined
  }

  /** When the entry that has waited longest was queued, among clients that `mayRun`. */
  oldestQueuedAt(mayRun: (client: string) => boolean): number | undefined {
    let oldest: number | undefined
    for (const [client, [first]] of this.#clients) {
      if (first && (oldest === undefined || first.queuedAt < oldest) && mayRun(client)) oldest = first.queuedAt
    }
    return oldest
  }

  remove(entry: Entry): boolean {
    const waiting = this.#clients.get(entry.client)
    const at = waiting?.indexOf(entry) ?? -1
    if (!waiting || at < 0) return false
    waiting.splice(at, 1)
    if (waiting.length === 0) this.#clients.delete(entry.client)
    this.#length--
    return true
  }

  /** Takes out all that were queued before a time (all, if none is given). */
  takeQueuedBefore(time = Number.POSITIVE_INFINITY): Entry[] {
    const taken: Entry[] = []
    for (const [client, waiting] of this.#clients) {
      const late = waiting.filter((entry) => entry.queuedAt < time)
      if (late.length === 0) continue
      taken.push(...late)
      if (late.length === waiting.length) this.#clients.delete(client)
      else
        this.#clients.set(
          client,
          waiting.filter((entry) => entry.queuedAt >= time),
        )
    }
    this.#length -= taken.length
    return taken
  }
}

import { type StoredEnvelope, sizeInBytes } from './stored-envelope.ts'

/** The envelopes of one source, ordered by timestamp; those of the same nanosecond in the order in which they came. */
export class SourceLog {
  bytes = 0
  /** How many were dropped to make room. */
  expired = 0
  #envelopes: StoredEnvelope[] = []
  /** Index of the oldest one: what is before it has been dropped, and is cut off now and then. */
  #start = 0

  get count(): number {
    return this.#envelopes.length - this.#start
  }

  get oldest(): StoredEnvelope | undefined {
    return this.#envelopes[this.#start]
  }

  get newest(): StoredEnvelope | undefined {
    return this.count > 0 ? this.#envelopes.at(-1) : undefined
  }

  insert(envelope: StoredEnvelope): void {
    // Most come in order; one that comes late is rarely far from the end.
    let at = this.#envelopes.length
    while (at > this.#start && (this.#envelopes[at - 1]?.timestamp ?? 0n) > envelope.timestamp) at--
    if (at === this.#envelopes.length) this.#envelopes.push(envelope)
    else this.#envelopes.splice(at, 0, envelope)
    this.bytes += sizeInBytes(envelope)
  }

  /** Drops the oldest envelope and returns its size in bytes, 0 when there is none. */
  dropOldest(): number {
    const oldest = this.oldest
    if (!oldest) return 0
    this.#start++
    this.expired++
    const size = sizeInBytes(oldest)
    this.bytes -= size
    this.#envelopes[this.#start - 1] = dropped
    if (this.#start > 64 && this.#start > this.#envelopes.length / 2) {
      this.#envelopes = this.#envelopes.slice(this.#start)
      this.#start = 0
    }
    return size
  }

  /**
   * Envelopes with start ≤ timestamp < end, the oldest first, or the newest first when descending.
   * @param start, end nanoseconds since the epoch
   */
  *between(start: bigint, end: bigint, descending: boolean): Generator<StoredEnvelope> {
    const from = this.#firstAtOrAfter(start)
    const to = this.#firstAtOrAfter(end)
    for (let step = 0; step < to - from; step++) {
      const envelope = this.#envelopes[descending ? to - 1 - step : from + step]
      if (envelope) yield envelope
    }
  }

  #firstAtOrAfter(timestamp: bigint): number {
    let low = this.#start
    let high = this.#envelopes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#envelopes[middle]?.timestamp ?? 0n) < timestamp) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Takes the place of a dropped envelope, so that its memory goes at once. */
const dropped: StoredEnvelope = { timestamp: 0n, type: undefined, json: '' }

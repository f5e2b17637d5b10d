import { SourceLog } from './source-log.ts'
import { type EnvelopeType, type StoredEnvelope, sizeInBytes } from './stored-envelope.ts'

export interface StoreLimits {
  readonly maxEnvelopesPerSource: number
  readonly maxBytesPerSource: number
  readonly maxBytesInTotal: number
}

export interface Query {
  /** Nanoseconds since the epoch, inclusive. */
  readonly start: bigint
  /** Nanoseconds since the epoch, exclusive. */
  readonly end: bigint
  readonly descending: boolean
  /** Empty for all. */
  readonly types: ReadonlySet<EnvelopeType>
}

export interface SourceMeta {
  readonly count: number
  readonly expired: number
  readonly oldestTimestamp: bigint
  readonly newestTimestamp: bigint
}

/** The envelopes of all sources, in memory, within limits. Source of the rules: log-cache-release src/internal/cache/store/store.go. */
export class EnvelopeStore {
  readonly #limits: StoreLimits
  /** In the order of use: the source that was longest neither written nor read first. */
  readonly #sources = new Map<string, SourceLog>()
  #bytes = 0

  constructor(limits: StoreLimits) {
    this.#limits = limits
  }

  get bytes(): number {
    return this.#bytes
  }

  put(sourceId: string, envelope: StoredEnvelope): void {
    const source = this.#use(sourceId) ?? new SourceLog()
    this.#sources.set(sourceId, source)
    source.insert(envelope)
    this.#bytes += sizeInBytes(envelope)
    const { maxEnvelopesPerSource, maxBytesPerSource, maxBytesInTotal } = this.#limits
    while (source.count > maxEnvelopesPerSource || (source.bytes > maxBytesPerSource && source.count > 1)) {
      this.#bytes -= source.dropOldest()
    }
    while (this.#bytes > maxBytesInTotal) this.#shrink()
  }

  /** Envelopes of a source that match, found as they are asked for. */
  *read(sourceId: string, { start, end, descending, types }: Query): Generator<StoredEnvelope> {
    for (const envelope of this.#use(sourceId)?.between(start, end, descending) ?? []) {
      if (types.size === 0 || (envelope.type !== undefined && types.has(envelope.type))) yield envelope
    }
  }

  *meta(): Generator<[string, SourceMeta]> {
    for (const [sourceId, { count, expired, oldest, newest }] of this.#sources) {
      if (!oldest || !newest) continue
      yield [sourceId, { count, expired, oldestTimestamp: oldest.timestamp, newestTimestamp: newest.timestamp }]
    }
  }

  #use(sourceId: string): SourceLog | undefined {
    const source = this.#sources.get(sourceId)
    if (!source) return undefined
    this.#sources.delete(sourceId)
    this.#sources.set(sourceId, source)
    return source
  }

  #shrink(): void {
    const [leastUsed] = this.#sources
    if (!leastUsed) return
    const [sourceId, source] = leastUsed
    this.#bytes -= source.dropOldest()
    if (source.count === 0) this.#sources.delete(sourceId)
  }
}

/**
 * The first envelopes up to a limit, and beyond it those of the same nanosecond as the last one: a reader goes on from the next
 * nanosecond and would never see them (go-log-cache walk.go).
 */
export function firstOf(envelopes: Iterable<StoredEnvelope>, limit: number): StoredEnvelope[] {
  const first: StoredEnvelope[] = []
  for (const envelope of envelopes) {
    if (first.length >= limit && envelope.timestamp !== first.at(-1)?.timestamp) break
    first.push(envelope)
  }
  return first
}

import { type LogBatch, type LogEnvelope, logSubject } from '@vcap/protocol'

export type LogStream = 'OUT' | 'ERR'
/** Takes one line of a log. */
export type WriteLine = (stream: LogStream, line: string) => void

/** Keeps a batch, base64 and JSON included, well under the 1 MB that NATS servers accept. */
const maxBatchInBytes = 512 * 1024

/** What may be on its way to the broker; beyond that envelopes are dropped, not the cell's memory filled. */
const maxUnderWayInBytes = 32 * 1024 ** 2

/** How the publisher reaches the bus. */
export interface LogTransport {
  publish(subject: string, payload: string): void
  /** Resolves when all that was published has reached the broker, however long it is away. */
  flush(): Promise<void>
  /** Hears of envelopes that had to be dropped. */
  dropped(envelopes: number): void
}

/**
 * Collects envelopes and publishes them in batches on `log-cache.envelopes`, at the latest `flushInMs` after the first.
 * Fire and forget: nobody acknowledges a log line.
 */
export class LogPublisher {
  readonly #transport: LogTransport
  readonly #flushInMs: number
  #underWayInBytes = 0
  #batch: LogEnvelope[] = []
  #batchInBytes = 0
  #timer: NodeJS.Timeout | undefined
  #lastTimestamp = 0n

  constructor(transport: LogTransport, flushInMs: number) {
    this.#transport = transport
    this.#flushInMs = flushInMs
  }

  log(sourceId: string, instanceId: string, tags: Record<string, string>, stream: LogStream, line: string): void {
    const payload = Buffer.from(line).toString('base64')
    this.#add({ ...this.#envelope(sourceId, instanceId, tags), log: { payload, type: stream } }, payload.length)
  }

  gauge(
    sourceId: string,
    instanceId: string,
    tags: Record<string, string>,
    metrics: Record<string, { unit: string; value: number }>,
  ): void {
    this.#add({ ...this.#envelope(sourceId, instanceId, tags), gauge: { metrics } }, 100 * Object.keys(metrics).length)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#batch.length === 0) return
    const message: LogBatch = { batch: this.#batch }
    this.#batch = []
    this.#batchInBytes = 0
    if (this.#underWayInBytes > maxUnderWayInBytes) {
      this.#transport.dropped(message.batch.length)
      return
    }
    const payload = JSON.stringify(message)
    this.#underWayInBytes += payload.length
    this.#transport.publish(logSubject, payload)
    const arrived = () => {
      this.#underWayInBytes -= payload.length
    }
    this.#transport.flush().then(arrived, arrived)
  }

  #add(envelope: LogEnvelope, payloadInBytes: number): void {
    const size = payloadInBytes + 600
    if (this.#batchInBytes + size > maxBatchInBytes) this.flush()
    this.#batch.push(envelope)
    this.#batchInBytes += size
    this.#timer ??= setTimeout(() => this.flush(), this.#flushInMs)
  }

  #envelope(sourceId: string, instanceId: string, tags: Record<string, string>) {
    return { timestamp: this.#timestamp(), source_id: sourceId, instance_id: instanceId, tags }
  }

  /** Nanoseconds since the epoch, each greater than the last, so that a reader keeps the order of the lines. */
  #timestamp(): string {
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n
    this.#lastTimestamp = now > this.#lastTimestamp ? now : this.#lastTimestamp + 1n
    return this.#lastTimestamp.toString()
  }
}

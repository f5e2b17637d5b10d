import { type LogBatch, type LogEnvelope, logSubject } from '@vcap/protocol'

export type LogStream = 'OUT' | 'ERR'
/** Takes one line of a log. */
export type WriteLine = (stream: LogStream, line: string) => void

/** Keeps a batch, base64 and JSON included, well under the 1 MB that NATS servers accept. */
const maxBatchInBytes = 512 * 1024

/**
 * Collects envelopes and publishes them in batches on `log-cache.envelopes`, at the latest `flushInMs` after the first.
 * Fire and forget: nobody acknowledges a log line.
 */
export class LogPublisher {
  readonly #publish: (subject: string, payload: string) => void
  readonly #flushInMs: number
  #batch: LogEnvelope[] = []
  #batchInBytes = 0
  #timer: NodeJS.Timeout | undefined
  #lastTimestamp = 0n

  constructor(publish: (subject: string, payload: string) => void, flushInMs: number) {
    this.#publish = publish
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
    this.#publish(logSubject, JSON.stringify(message))
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

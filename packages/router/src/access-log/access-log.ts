import { type LogEnvelope, logSubject } from '@vcap/protocol'
import type { Endpoint } from '../routes/endpoint.ts'
import { type AccessRecord, formatAccessRecord } from './access-record.ts'

/** Well under the 1 MiB that a NATS server takes by default. */
const batchLimitInCharacters = 512 * 1024
/** What may be on its way to a server that takes nothing, until its silence is noticed. */
const underWayLimitInCharacters = 32 * 1024 * 1024

export interface AccessLogOptions {
  readonly routerIndex: number
  readonly intervalInMilliseconds: number
  /** False while there is no connection. NATS clients buffer without limit, so lines are dropped instead, then and when a server is too slow. */
  canPublish(): boolean
  publish(subject: string, payload: string): void
  /** Settles when what was published has reached the server, or never will. */
  arrived(): Promise<void>
}

/**
 * Sends access log lines to the logs of the app they belong to, gathered into batches.
 * A request that reached no app belongs to no log. Source: gorouter accesslog/dropsonde_logsender.go (source type RTR,
 * instance the router's index, the endpoint's tags).
 */
export class AccessLog {
  dropped = 0
  readonly #options: AccessLogOptions
  #pending: string[] = []
  #pendingCharacters = 0
  #underWayCharacters = 0
  #timer: NodeJS.Timeout | undefined
  #lastMillisecond = 0
  #countInMillisecond = 0

  constructor(options: AccessLogOptions) {
    this.#options = options
  }

  add(record: AccessRecord, tags: Endpoint['tags']): void {
    if (record.appGuid === '') return
    if (!this.#options.canPublish()) {
      this.dropped++
      return
    }
    const envelope: LogEnvelope = {
      timestamp: this.#nextTimestamp(),
      source_id: record.appGuid,
      instance_id: String(this.#options.routerIndex),
      tags: { ...tags, source_type: 'RTR' },
      log: { payload: Buffer.from(formatAccessRecord(record), 'latin1').toString('base64'), type: 'OUT' },
    }
    const text = JSON.stringify(envelope)
    if (this.#pendingCharacters + text.length > batchLimitInCharacters) this.flush()
    this.#pending.push(text)
    this.#pendingCharacters += text.length
    this.#timer ??= setTimeout(() => this.flush(), this.#options.intervalInMilliseconds)
  }

  /** Publishes what has been gathered. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending.length === 0) return
    if (this.#options.canPublish() && this.#underWayCharacters < underWayLimitInCharacters) this.#send()
    else this.dropped += this.#pending.length
    this.#pending = []
    this.#pendingCharacters = 0
  }

  #send(): void {
    const payload = `{"batch":[${this.#pending.join(',')}]}`
    this.#options.publish(logSubject, payload)
    this.#underWayCharacters += payload.length
    const settled = () => {
      this.#underWayCharacters -= payload.length
    }
    this.#options.arrived().then(settled, settled)
  }

  /** Nanoseconds since the epoch; lines of the same millisecond keep their order. */
  #nextTimestamp(): string {
    const now = Date.now()
    this.#countInMillisecond = now === this.#lastMillisecond ? Math.min(this.#countInMillisecond + 1, 999_999) : 0
    this.#lastMillisecond = now
    return `${now}${String(this.#countInMillisecond).padStart(6, '0')}`
  }
}

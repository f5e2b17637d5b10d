import type { StartMessage } from '@vcap/protocol'
import type { LogPublisher, LogStream, WriteLine } from '../logs/log-publisher.ts'
import { LogRateLimiter } from '../logs/log-rate-limiter.ts'

/** The log of one instance: what the cell says about it (CELL, HEALTH), and what its processes print. */
export class InstanceLog {
  readonly sourceId: string
  readonly tags: Readonly<Record<string, string>>
  readonly #publisher: LogPublisher
  readonly #index: string
  readonly #limiter: LogRateLimiter
  readonly #limitInBytes: number

  constructor(publisher: LogPublisher, message: StartMessage, guid: string) {
    this.sourceId = message.app_guid ?? message.droplet
    this.#publisher = publisher
    this.#index = String(message.index)
    this.#limitInBytes = message.limits.log_rate ?? -1
    this.#limiter = new LogRateLimiter(this.#limitInBytes)
    this.tags = instanceTags(message, guid)
  }

  /** Bytes a second that the processes have logged lately. */
  measureRate(): number {
    return this.#limiter.measureRate()
  }

  cell(line: string, stream: LogStream = 'OUT'): void {
    this.#write('CELL', stream, line)
  }

  health(line: string): void {
    this.#write('HEALTH', 'ERR', line)
  }

  /** A line of the cell's own in the name of a process; no limit applies. */
  about(source: string, line: string, stream: LogStream = 'OUT'): void {
    this.#write(source, stream, line)
  }

  /** Takes what a process prints, within the log rate limit. */
  writerFor(source: string): WriteLine {
    return (stream, line) => {
      const verdict = this.#limiter.admit(Buffer.byteLength(line))
      if (verdict === 'pass') this.#write(source, stream, line)
      if (verdict === 'exceeded')
        this.#write(source, 'ERR', `app instance exceeded log rate limit (${this.#limitInBytes} bytes/sec)`)
    }
  }

  #write(source: string, stream: LogStream, line: string): void {
    this.#publisher.log(this.sourceId, this.#index, { ...this.tags, source_type: source }, stream, line)
  }
}

/** `APP/PROC/WEB`, and for its sidecars `APP/PROC/WEB/SIDECAR/NAME` (cloud_controller_ng lib/cloud_controller/diego/main_lrp_action_builder.rb). */
export function logSource(processType: string, sidecar?: string): string {
  const process = `APP/PROC/${processType.toUpperCase()}`
  return sidecar === undefined ? process : `${process}/SIDECAR/${sidecar.toUpperCase()}`
}

function instanceTags(message: StartMessage, guid: string): Record<string, string> {
  const tags: Record<string, string> = {
    app_id: message.app_guid ?? message.droplet,
    app_name: message.name,
    instance_id: String(message.index),
    origin: 'rep',
    process_id: message.droplet,
    process_instance_id: guid,
    process_type: message.process_type,
  }
  for (const key of ['organization_id', 'organization_name', 'space_id', 'space_name']) {
    const value = message.vcap_application[key]
    if (typeof value === 'string') tags[key] = value
  }
  return tags
}

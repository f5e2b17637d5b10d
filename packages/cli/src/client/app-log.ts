import { LogEnvelope } from '@vcap/protocol'
import { z } from 'zod'
import type { ApiClient } from './api-client.ts'

const ReadAnswer = z.object({ envelopes: z.object({ batch: z.array(LogEnvelope) }) })

export interface AppLogLine {
  /** STG/0, APP/PROC/WEB/0, RTR/0 … */
  source: string
  text: string
}

/** How far an envelope may come behind a younger one: cells and routers gather theirs for a moment. cf reckons with as much. */
const latenessInNs = 2_000_000_000n

/** The newest thousand lines of an app's log, the oldest first: `cf logs --recent`. */
export async function recentLog(client: ApiClient, appGuid: string): Promise<AppLogLine[]> {
  const url = `${client.logCacheUrl}/api/v1/read/${appGuid}?limit=1000&descending=true&envelope_types=LOG`
  const { envelopes } = await client.call(ReadAnswer, 'GET', url)
  return envelopes.batch.toReversed().flatMap(linesOf)
}

function linesOf({ tags, instance_id, log }: LogEnvelope): AppLogLine[] {
  if (!log) return []
  return [{ source: `${tags.source_type}/${instance_id}`, text: Buffer.from(log.payload, 'base64').toString() }]
}

/** Follows the log of one app: each call gives the lines that came since the one before. */
export class AppLog {
  readonly #client: ApiClient
  readonly #appGuid: string
  /** Of the youngest envelope, in nanoseconds since the epoch. */
  #newest = 0n
  /** Envelopes within the lateness of the youngest one, which the next reading gets again. */
  #seen = new Map<string, bigint>()

  constructor(client: ApiClient, appGuid: string) {
    this.#client = client
    this.#appGuid = appGuid
  }

  async newLines(): Promise<AppLogLine[]> {
    const from = this.#newest > latenessInNs ? this.#newest - latenessInNs : 0n
    const url = `${this.#client.logCacheUrl}/api/v1/read/${this.#appGuid}?start_time=${from}&limit=1000&envelope_types=LOG`
    const { envelopes } = await this.#client.call(ReadAnswer, 'GET', url)
    const lines = envelopes.batch.flatMap((envelope) => {
      const { timestamp, tags, instance_id, log } = envelope
      const key = JSON.stringify([timestamp, tags.source_type, instance_id, log?.payload])
      const isKnown = this.#seen.has(key)
      this.#seen.set(key, BigInt(timestamp))
      if (BigInt(timestamp) > this.#newest) this.#newest = BigInt(timestamp)
      return isKnown ? [] : linesOf(envelope)
    })
    for (const [key, timestamp] of this.#seen) if (timestamp < this.#newest - latenessInNs) this.#seen.delete(key)
    return lines
  }
}

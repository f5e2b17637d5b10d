import { LogEnvelope } from '@vcap/protocol'
import { z } from 'zod'
import type { ApiClient } from './api-client.ts'

const ReadAnswer = z.object({ envelopes: z.object({ batch: z.array(LogEnvelope) }) })

export interface AppLogLine {
  /** STG/0, APP/PROC/WEB/0, RTR/0 … */
  source: string
  text: string
}

/** Follows the log of one app: each call gives the lines that came since the one before. */
export class AppLog {
  readonly #client: ApiClient
  readonly #appGuid: string
  /** Nanoseconds since the epoch. */
  #from = 0n

  constructor(client: ApiClient, appGuid: string) {
    this.#client = client
    this.#appGuid = appGuid
  }

  async newLines(): Promise<AppLogLine[]> {
    const url = `${this.#client.logCacheUrl}/api/v1/read/${this.#appGuid}?start_time=${this.#from}&limit=1000&envelope_types=LOG`
    const { envelopes } = await this.#client.call(ReadAnswer, 'GET', url)
    return envelopes.batch.flatMap(({ timestamp, tags, instance_id, log }) => {
      if (BigInt(timestamp) >= this.#from) this.#from = BigInt(timestamp) + 1n
      if (!log) return []
      return [{ source: `${tags.source_type}/${instance_id}`, text: Buffer.from(log.payload, 'base64').toString() }]
    })
  }
}

import { randomUUID } from 'node:crypto'
import type { Trx } from '../db/schema.ts'
import { currentRequestId } from '../logs/request-context.ts'
import { now } from '../v3/kit/timestamps.ts'

export interface NewJob {
  /** As clients see it: `app.delete` (semantics, section 12). Names the handler too. */
  readonly operation: string
  /** What the job is about: link key ("app") and guid. */
  readonly resource?: { readonly type: string; readonly guid: string }
  readonly payload?: unknown
  /** Off for the Cloud Controller's own work, which is no /v3/jobs. */
  readonly visible?: boolean
}

/** Writes a job in the transaction of what caused it, so that neither exists without the other. Wake the runner after the commit. */
export async function enqueueJob(trx: Trx, { operation, resource, payload, visible = true }: NewJob): Promise<string> {
  const guid = randomUUID()
  const time = now()
  await trx
    .insertInto('jobs')
    .values({
      guid,
      created_at: time,
      updated_at: time,
      operation,
      state: 'PROCESSING',
      visible: visible ? 1 : 0,
      resource_type: resource?.type ?? null,
      resource_guid: resource?.guid ?? null,
      payload: JSON.stringify(payload ?? {}),
      errors: '[]',
      warnings: '[]',
      attempts: 0,
      request_id: currentRequestId() ?? null,
      run_after: time,
      lease_owner: null,
      lease_until: null,
    })
    .execute()
  return guid
}

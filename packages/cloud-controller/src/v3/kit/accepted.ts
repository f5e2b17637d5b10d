import type { Context } from 'hono'
import type { Trx } from '../../db/schema.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { enqueueJob, type NewJob } from '../../jobs/job-queue.ts'

/** Answers 202 with the job's address and no body, and wakes the job threads. */
export function accepted(c: Context<WorkerEnv>, jobGuid: string): Response {
  c.var.bus.schedule('jobs.wake')
  return c.body(null, 202, { Location: `${c.var.settings.externalUrl}/v3/jobs/${jobGuid}` })
}

/** Writes the job together with what `before` writes, and answers 202. */
export async function acceptJob(
  c: Context<WorkerEnv>,
  job: NewJob,
  before: (trx: Trx) => Promise<void> = async () => {},
): Promise<Response> {
  const guid = await c.var.db.transaction().execute(async (trx) => {
    await before(trx)
    return enqueueJob(trx, job)
  })
  return accepted(c, guid)
}

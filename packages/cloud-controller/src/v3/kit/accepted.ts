import type { Trx } from '../../db/schema.ts'
import type { RequestContext } from '../../http/environment.ts'
import { enqueueJob, type NewJob } from '../../jobs/job-queue.ts'

/** Clients look at a job at once and then every three seconds; a 202 waits this long, so that most jobs are over at the first look. */
const patienceInMilliseconds = 1_000

/** Wakes the job threads and answers 202 with the job's address and no body. */
export function accepted(c: RequestContext, jobGuid: string): Response {
  c.var.bus.schedule('jobs.wake')
  c.var.bus.scheduleSync('changes.wait', jobGuid, patienceInMilliseconds)
  return c.body(null, 202, { Location: `${c.var.settings.externalUrl}/v3/jobs/${jobGuid}` })
}

/** Writes the job together with what `before` writes, and answers 202. */
export async function acceptJob(
  c: RequestContext,
  job: NewJob,
  before: (trx: Trx) => Promise<void> = async () => {},
): Promise<Response> {
  const guid = await c.var.db.transaction().execute(async (trx) => {
    await before(trx)
    return enqueueJob(trx, job)
  })
  return accepted(c, guid)
}

import { hostname } from 'node:os'
import type { Db, Row } from '../db/schema.ts'
import type { ThreadServices } from '../http/environment.ts'
import { errorAnswer } from '../http/error-answer.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type JobHandler, jobHandlers } from './handlers.ts'

/** A claimed job that is not renewed for this long was left by a thread or process that died; another may take it. */
const leaseInSeconds = 60
const renewalInMilliseconds = (leaseInSeconds / 3) * 1000

/** Runs jobs that are due, oldest first, until there is none left to claim. Returns how many were run. Job threads. */
export async function runDueJobs(services: ThreadServices): Promise<number> {
  let ran = 0
  for (let job = await claimJob(services.db); job; job = await claimJob(services.db)) {
    await runJob(services, job)
    ran += 1
  }
  return ran
}

/** Runs one job now if it is still free: what a request does with a job so short that nobody should wait for it. */
export async function runJobNow(services: ThreadServices, guid: string): Promise<void> {
  const job = await claimJob(services.db, guid)
  if (job) await runJob(services, job)
}

/** Takes the oldest due job by writing our name into it; the condition makes sure that only one taker wins. */
async function claimJob(db: Db, guid?: string): Promise<Row<'jobs'> | undefined> {
  for (;;) {
    const time = now()
    let candidates = db
      .selectFrom('jobs')
      .select('guid')
      .where('state', 'in', ['PROCESSING', 'POLLING'])
      .where('run_after', '<=', time)
      .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', time)]))
    if (guid) candidates = candidates.where('guid', '=', guid)
    const candidate = await candidates.orderBy('run_after').orderBy('id').limit(1).executeTakeFirst()
    if (!candidate) return undefined
    const claimed = await db
      .updateTable('jobs')
      .set((eb) => ({
        lease_owner: `${hostname()}:${process.pid}`,
        lease_until: leaseEnd(),
        attempts: eb('attempts', '+', 1),
      }))
      .where('guid', '=', candidate.guid)
      .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', time)]))
      .returningAll()
      .executeTakeFirst()
    if (claimed) return claimed
  }
}

const leaseEnd = (): string => new Date(Date.now() + leaseInSeconds * 1000).toISOString()

async function runJob(services: ThreadServices, job: Row<'jobs'>): Promise<void> {
  const renewal = setInterval(() => {
    services.db
      .updateTable('jobs')
      .set({ lease_until: leaseEnd() })
      .where('guid', '=', job.guid)
      .execute()
      .catch((error) => services.logger.warn({ err: error, job: job.guid }, 'could not renew the lease of a job'))
  }, renewalInMilliseconds)
  try {
    const handler: JobHandler | undefined = jobHandlers[job.operation]
    if (!handler) throw new Error(`no handler for job ${job.operation}`)
    const outcome = await handler(services, { ...job, payload: JSON.parse(job.payload) })
    if (outcome?.again) await postpone(services.db, job, outcome.again)
    else await finish(services.db, job, { state: 'COMPLETE', warnings: outcome?.warnings ?? [] })
  } catch (error) {
    const { status, body } = errorAnswer(error)
    if (status >= 500) services.logger.error({ err: error, job: job.guid, operation: job.operation }, 'job failed')
    await finish(services.db, job, { state: 'FAILED', errors: body.errors })
  } finally {
    clearInterval(renewal)
  }
  services.bus.schedule('changes.notify', job.guid)
}

async function finish(
  db: Db,
  job: Row<'jobs'>,
  outcome: { state: 'COMPLETE' | 'FAILED'; errors?: readonly unknown[]; warnings?: ReadonlyArray<{ detail: string }> },
): Promise<void> {
  await db
    .updateTable('jobs')
    .set({
      state: outcome.state,
      errors: JSON.stringify(outcome.errors ?? []),
      warnings: JSON.stringify(outcome.warnings ?? []),
      updated_at: now(),
      lease_owner: null,
      lease_until: null,
    })
    .where('guid', '=', job.guid)
    .execute()
}

async function postpone(
  db: Db,
  job: Row<'jobs'>,
  again: { afterSeconds: number; state?: 'PROCESSING' | 'POLLING'; payload?: unknown },
): Promise<void> {
  await db
    .updateTable('jobs')
    .set({
      state: again.state ?? job.state,
      run_after: new Date(Date.now() + again.afterSeconds * 1000).toISOString(),
      updated_at: now(),
      lease_owner: null,
      lease_until: null,
      ...(again.payload !== undefined && { payload: JSON.stringify(again.payload) }),
    })
    .where('guid', '=', job.guid)
    .execute()
}

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ExpressionBuilder } from 'kysely'
import { DatabaseUnavailable } from '../db/database-unavailable.ts'
import type { Db, Row, Tables } from '../db/schema.ts'
import type { ThreadServices } from '../http/environment.ts'
import { errorAnswer } from '../http/error-answer.ts'
import { asRequest } from '../logs/request-context.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type JobHandler, type JobHandlers, jobHandlers } from './handlers.ts'

/** A claimed job that is not renewed for this long was left by a thread or process that died; another may take it. */
const leaseInSeconds = 60
const renewalInMilliseconds = (leaseInSeconds / 3) * 1000
/** A job that ended its thread so often, without an end of its own, is given up. */
const maximumAttempts = 10
const unavailablePauseInSeconds = 5
/** The thread's deadline is for one job and what is left of this; the rest is found by the next look. */
const turnInMilliseconds = 60_000

type ClaimedRow = Row<'jobs'> & { readonly lease_owner: string }

/**
 * Runs jobs that are due, oldest first, until there is none left to claim, its turn is over or the Cloud Controller stops. Returns how
 * many were run.
 * Any number of job threads and Cloud Controllers may do this at once.
 */
export async function runDueJobs(services: ThreadServices, handlers: JobHandlers = jobHandlers): Promise<number> {
  const end = Date.now() + turnInMilliseconds
  let ran = 0
  while (Date.now() < end && services.bus.scheduleSync('jobs.mayBegin')) {
    const job = await claimJob(services.db)
    if (!job) break
    await runJob(services, job, handlers)
    ran += 1
  }
  return ran
}

/** Runs one job now if it is still free: what a request does with a job so short that nobody should wait for it. */
export async function runJobNow(
  services: ThreadServices,
  guid: string,
  handlers: JobHandlers = jobHandlers,
): Promise<void> {
  const job = await claimJob(services.db, guid)
  if (job) await runJob(services, job, handlers)
}

/** Takes the oldest due job by writing our name into it; the condition makes sure that only one taker wins. */
async function claimJob(db: Db, guid?: string): Promise<ClaimedRow | undefined> {
  for (;;) {
    const isDue = dueAt(now())
    const candidate = await db
      .selectFrom('jobs')
      .select('guid')
      .where(isDue)
      .$if(guid !== undefined, (query) => query.where('guid', '=', guid ?? ''))
      .orderBy('run_after')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst()
    if (!candidate) return undefined
    const lease_owner = `${hostname()}:${process.pid}:${randomUUID()}`
    const claimed = await db
      .updateTable('jobs')
      .set((eb) => ({ lease_owner, lease_until: leaseEnd(), attempts: eb('attempts', '+', 1) }))
      .where('guid', '=', candidate.guid)
      .where(isDue)
      .returningAll()
      .executeTakeFirst()
    if (claimed) return { ...claimed, lease_owner }
  }
}

/** Not over, its time has come, and nobody is at it. */
const dueAt = (time: string) => (eb: ExpressionBuilder<Tables, 'jobs'>) =>
  eb.and([
    eb('state', 'in', ['PROCESSING', 'POLLING']),
    eb('run_after', '<=', time),
    eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', time)]),
  ])

const leaseEnd = (): string => new Date(Date.now() + leaseInSeconds * 1000).toISOString()

/** Its log lines have the id of the request that caused it, and its own. */
function runJob(services: ThreadServices, job: ClaimedRow, handlers: JobHandlers): Promise<void> {
  const logger = services.logger.child({ job: job.guid, operation: job.operation })
  return asRequest(job.request_id ?? job.guid, () => runClaimed({ ...services, logger }, job, handlers))
}

async function runClaimed(services: ThreadServices, job: ClaimedRow, handlers: JobHandlers): Promise<void> {
  const { logger } = services
  const renewal = setInterval(() => {
    write(services.db, job, { lease_until: leaseEnd() }).catch((error) =>
      logger.warn({ err: error }, 'could not renew the lease of a job'),
    )
  }, renewalInMilliseconds)
  try {
    if (job.attempts > maximumAttempts)
      throw new Error(`job ${job.operation} was tried ${maximumAttempts} times in vain`)
    const handler: JobHandler | undefined = handlers[job.operation]
    if (!handler) throw new Error(`no handler for job ${job.operation}`)
    const outcome = await handler(services, { ...job, payload: JSON.parse(job.payload) })
    if (outcome?.again) await postpone(services, job, outcome.again)
    else await finish(services, job, { state: 'COMPLETE', warnings: outcome?.warnings ?? [] })
  } catch (error) {
    if (error instanceof DatabaseUnavailable) {
      logger.warn({ err: error }, 'a job could not reach the database and will be tried again')
      await release(services.db, job)
      return
    }
    const { status, body } = errorAnswer(error)
    if (status >= 500) logger.error({ err: error }, 'job failed')
    await finish(services, job, { state: 'FAILED', errors: body.errors })
  } finally {
    clearInterval(renewal)
  }
  services.bus.schedule('changes.notify', job.guid)
}

async function finish(
  services: ThreadServices,
  job: ClaimedRow,
  outcome: { state: 'COMPLETE' | 'FAILED'; errors?: readonly unknown[]; warnings?: ReadonlyArray<{ detail: string }> },
): Promise<void> {
  const isOurs = await write(services.db, job, {
    state: outcome.state,
    errors: JSON.stringify(outcome.errors ?? []),
    warnings: JSON.stringify(outcome.warnings ?? []),
    updated_at: now(),
    lease_owner: null,
    lease_until: null,
  })
  if (!isOurs) logLoss(services)
}

async function postpone(
  services: ThreadServices,
  job: ClaimedRow,
  again: { afterSeconds: number; state?: 'PROCESSING' | 'POLLING'; payload?: unknown },
): Promise<void> {
  const isOurs = await write(services.db, job, {
    state: again.state ?? job.state,
    run_after: new Date(Date.now() + again.afterSeconds * 1000).toISOString(),
    updated_at: now(),
    attempts: 0,
    lease_owner: null,
    lease_until: null,
    ...(again.payload !== undefined && { payload: JSON.stringify(again.payload) }),
  })
  if (!isOurs) logLoss(services)
}

/** The database's absence is not the job's fault. While it lasts this fails too, and the job is free when its lease runs out. */
async function release(db: Db, job: ClaimedRow): Promise<void> {
  await write(db, job, {
    run_after: new Date(Date.now() + unavailablePauseInSeconds * 1000).toISOString(),
    attempts: job.attempts - 1,
    lease_owner: null,
    lease_until: null,
  })
}

/** Changes the job if it is still ours: whoever took it after our lease ran out says how it ends. */
async function write(db: Db, job: ClaimedRow, values: Partial<Row<'jobs'>>): Promise<boolean> {
  const written = await db
    .updateTable('jobs')
    .set(values)
    .where('guid', '=', job.guid)
    .where('lease_owner', '=', job.lease_owner)
    .returning('guid')
    .executeTakeFirst()
  return written !== undefined
}

function logLoss({ logger }: ThreadServices): void {
  logger.warn('a job took longer than its lease, and was taken by another')
}

import { type SqlBool, sql } from 'kysely'
import type { Db } from '../db/schema.ts'
import type { ThreadServices } from '../http/environment.ts'
import { deleteMetadata } from '../v3/kit/metadata.ts'

/** Rows that one statement deletes, so that others need not wait long for their turn to write. */
const batchSize = 1_000
const dayInMilliseconds = 86_400_000

/**
 * Deletes what is kept for a while only: ended jobs, audit events, usage events (the newest always stays, as the place from
 * which clients go on), and ended builds beyond the newest of their app. Source: cloud_controller_ng app/jobs/runtime/
 * {pollable_job_cleanup,events_cleanup,app_usage_events_cleanup,prune_completed_builds}.rb.
 */
export async function pruneOldRows({ db, settings, logger }: ThreadServices): Promise<void> {
  const { jobsKeptForDays, auditEventsKeptForDays, usageEventsKeptForDays, buildsKeptPerApp } = settings.cleanUp
  const deleted = {
    jobs: await deleteInBatches(
      db,
      'jobs',
      sql`state in ('COMPLETE', 'FAILED') and updated_at < ${daysAgo(jobsKeptForDays)}`,
    ),
    auditEvents: await deleteInBatches(db, 'audit_events', sql`created_at < ${daysAgo(auditEventsKeptForDays)}`),
    usageEvents: await deleteInBatches(
      db,
      'app_usage_events',
      sql`created_at < ${daysAgo(usageEventsKeptForDays)} and id < (select max(id) from app_usage_events)`,
    ),
    builds: await deleteOldBuilds(db, buildsKeptPerApp),
  }
  if (Object.values(deleted).some((count) => count > 0)) logger.info({ deleted }, 'deleted old rows')
}

const daysAgo = (days: number): string => new Date(Date.now() - days * dayInMilliseconds).toISOString()

async function deleteInBatches(
  db: Db,
  table: 'jobs' | 'audit_events' | 'app_usage_events',
  condition: ReturnType<typeof sql<SqlBool>>,
): Promise<number> {
  let total = 0
  for (;;) {
    const { numDeletedRows } = await db
      .deleteFrom(table)
      .where('id', 'in', db.selectFrom(table).select('id').where(condition).orderBy('id').limit(batchSize))
      .executeTakeFirstOrThrow()
    total += Number(numDeletedRows)
    if (Number(numDeletedRows) < batchSize) return total
  }
}

async function deleteOldBuilds(db: Db, keptPerApp: number): Promise<number> {
  const ranked = db
    .selectFrom('builds')
    .select(['guid', 'state'])
    .select(sql<number>`row_number() over (partition by app_guid order by id desc)`.as('age'))
    .as('ranked')
  let total = 0
  for (;;) {
    const old = await db
      .selectFrom(ranked)
      .select('guid')
      .where('age', '>', keptPerApp)
      .where('state', '!=', 'STAGING')
      .limit(batchSize)
      .execute()
    const guids = old.map(({ guid }) => guid)
    if (guids.length === 0) return total
    await db.transaction().execute(async (trx) => {
      await deleteMetadata(trx, 'build', guids)
      await trx.deleteFrom('builds').where('guid', 'in', guids).execute()
    })
    total += guids.length
  }
}

import { forgetOldCrashes } from '../actions/instance-crashes.ts'
import type { Db } from '../db/schema.ts'
import { ApiError } from '../errors/api-error.ts'
import type { ThreadServices } from '../http/environment.ts'
import { holdLease } from '../jobs/lease.ts'
import {
  type DesiredProcess,
  type InstanceCrash,
  planReconciliation,
  type ReconciliationPlan,
} from './reconciliation-plan.ts'
import { startMessagesOf } from './start-message.ts'

/** After a (re)connection every DEA is asked for a heartbeat; before this long its silence means nothing. */
const settlingTimeInMilliseconds = 3_000
const leaseInSeconds = 30

/**
 * One pass of the reconciler: closes the difference between what should run and what the heartbeats say runs. Right after
 * any restart, lost message or dead cell, because it looks at nothing but the two. Of several Cloud Controllers one does it.
 */
export async function reconcile(services: ThreadServices): Promise<void> {
  const { db, bus, settings } = services
  if (!settings.dea.reconcile) return
  const actual = bus.scheduleSync('dea.actualState')
  if (actual.connectedForMilliseconds < settlingTimeInMilliseconds) return
  if (!(await holdLease(db, 'reconciler', leaseInSeconds))) return
  await forgetOldCrashes(db)
  const plan = planReconciliation({
    desired: await desiredProcesses(db),
    actual,
    crashes: await knownCrashes(db),
    now: Date.now(),
    missingInstanceDelayInMilliseconds: settings.dea.missingInstanceDelayInSeconds * 1000,
  })
  await carryOut(services, plan)
}

async function desiredProcesses(db: Db): Promise<DesiredProcess[]> {
  const rows = await db
    .selectFrom('processes')
    .innerJoin('apps', 'apps.guid', 'processes.app_guid')
    .select(['processes.guid', 'processes.version', 'processes.instances', 'processes.updated_at'])
    .where('processes.state', '=', 'STARTED')
    .where('apps.droplet_guid', 'is not', null)
    .where('processes.instances', '>', 0)
    .execute()
  return rows.map(({ updated_at, ...process }) => ({ ...process, changedAt: Date.parse(updated_at) }))
}

async function knownCrashes(db: Db): Promise<InstanceCrash[]> {
  const rows = await db.selectFrom('instance_crashes').selectAll().execute()
  return rows.map((row) => ({
    processGuid: row.process_guid,
    version: row.version,
    index: row.instance_index,
    crashCount: row.crash_count,
    lastCrashAt: Date.parse(row.last_crash_at),
  }))
}

async function carryOut(services: ThreadServices, { starts, stops }: ReconciliationPlan): Promise<void> {
  const { bus, logger } = services
  for (const stop of stops) bus.schedule('dea.stop', stop)
  const wanted = [...Map.groupBy(starts, (start) => start.processGuid)].map(([processGuid, instances]) => ({
    processGuid,
    indices: instances.map((instance) => instance.index),
  }))
  const messages = await startMessagesOf(services, wanted)
  if (messages.length === 0) return
  try {
    bus.scheduleSync('dea.start', messages)
  } catch (error) {
    // No DEA has room for some: the next pass tries again.
    if (!(error instanceof ApiError)) throw error
    logger.warn({ wanted }, error.message)
  }
}

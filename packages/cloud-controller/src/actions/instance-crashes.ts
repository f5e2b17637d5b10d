import type { DropletExited } from '@vcap/protocol'
import type { Db, Trx } from '../db/schema.ts'
import { crashMemoryInSeconds } from '../dea/crash-back-off.ts'
import { now } from '../v3/kit/timestamps.ts'
import { recordAuditEvent } from './audit-events.ts'

/** A crash that was written down. */
export interface InstanceCrash {
  readonly processGuid: string
  readonly processType: string
  readonly appGuid: string
}

/** An exit description is the app's own text. */
const longestDescription = 10_000
const truncated = ' (truncated)'

/**
 * Takes notice of a crash: counts it for the back-off and records the events of process and app. Nothing happens, and
 * undefined is returned, for a process that is gone or an exit that is no crash. Source: cloud_controller_ng
 * lib/cloud_controller/dea/respondent.rb of 2016, app/controllers/internal/app_crashed_controller.rb.
 */
export async function recordInstanceCrash(trx: Trx, exited: DropletExited): Promise<InstanceCrash | undefined> {
  if (exited.reason.toUpperCase() !== 'CRASHED') return undefined
  const process = await trx
    .selectFrom('processes')
    .innerJoin('apps', 'apps.guid', 'processes.app_guid')
    .select(['processes.guid', 'processes.type', 'processes.app_guid', 'apps.name', 'apps.space_guid'])
    .where('processes.guid', '=', exited.droplet)
    .executeTakeFirst()
  if (!process) return undefined
  const crashCount = await countCrash(trx, exited)
  const app = { guid: process.app_guid, type: 'app', name: process.name }
  const data = {
    instance: exited.instance,
    index: exited.index,
    exit_description: shortened(exited.exit_description),
    exit_status: exited.exit_status,
    reason: exited.reason,
  }
  await recordAuditEvent(
    trx,
    { guid: process.guid, type: 'process', name: process.type },
    {
      type: 'audit.app.process.crash',
      target: app,
      data: {
        ...data,
        crash_count: crashCount,
        crash_timestamp: exited.crash_timestamp ?? null,
        version: exited.version,
      },
      spaceGuid: process.space_guid,
    },
  )
  await recordAuditEvent(trx, app, { type: 'app.crash', target: app, data, spaceGuid: process.space_guid })
  return { processGuid: process.guid, processType: process.type, appGuid: process.app_guid }
}

function shortened(text: string): string {
  return text.length <= longestDescription ? text : text.slice(0, longestDescription - truncated.length) + truncated
}

async function countCrash(trx: Trx, { droplet, version, index }: DropletExited): Promise<number> {
  const key = { process_guid: droplet, version, instance_index: index }
  const known = await trx
    .selectFrom('instance_crashes')
    .select(['crash_count', 'last_crash_at'])
    .where((eb) => eb.and(key))
    .executeTakeFirst()
  const isRecent = known !== undefined && known.last_crash_at > crashHorizon()
  const crashCount = isRecent ? known.crash_count + 1 : 1
  await trx
    .insertInto('instance_crashes')
    .values({ ...key, crash_count: crashCount, last_crash_at: now() })
    .onConflict((conflict) =>
      conflict
        .columns(['process_guid', 'version', 'instance_index'])
        .doUpdateSet({ crash_count: crashCount, last_crash_at: now() }),
    )
    .execute()
  return crashCount
}

/** Forgets crashes of long ago. */
export async function forgetOldCrashes(db: Db): Promise<void> {
  await db.deleteFrom('instance_crashes').where('last_crash_at', '<', crashHorizon()).execute()
}

const crashHorizon = (): string => new Date(Date.now() - crashMemoryInSeconds * 1000).toISOString()

import { z } from 'zod'
import type { Acting } from '../actions/app-events.ts'
import { stopApp } from '../actions/app-state.ts'
import type { Actor } from '../actions/audit-events.ts'
import { deleteAppRows } from '../actions/delete-app.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Row, Trx } from '../db/schema.ts'
import { stopInstances } from '../dea/run-app.ts'
import type { ThreadServices } from '../http/environment.ts'
import { emitAppLog } from '../logs/app-log.ts'
import { buildpackCacheKey } from '../staging/blob-urls.ts'
import type { JobHandler } from './handlers.ts'

const DeletePayload = z.object({ actor: z.object({ guid: z.string(), type: z.string(), name: z.string() }) })

/** `app.delete`: the app and everything that belongs to it. */
export const removeApp: JobHandler = async (services, { resource_guid: guid, payload }) => {
  await deleteApp(services, DeletePayload.parse(payload).actor, guid ?? '')
  return undefined
}

/** `app.clear_buildpack_cache`: the next staging starts from nothing. */
export const clearBuildpackCache: JobHandler = async (services, { resource_guid: guid }) => {
  const app = await findApp(services, guid ?? '')
  if (app) await deleteBuildpackCaches(services, app)
  return undefined
}

/**
 * Deletes an app: stops its instances and its staging, deletes its blobs, and last its rows, so that after a crash a second
 * try does what the first left undone. Nothing happens when it is gone. Job threads, outside a transaction.
 */
export async function deleteApp(services: ThreadServices, actor: Actor, appGuid: string): Promise<void> {
  const { db, settings, bus } = services
  const app = await findApp(services, appGuid)
  if (!app) return
  const acting = { actor, settings }
  await db.transaction().execute((trx) => stopBeforeDeletion(trx, acting, appGuid))
  await stopEverything(services, app)
  await deleteBlobs(services, app)
  const deleted = await db.transaction().execute(async (trx) => {
    // Somebody may have started it meanwhile.
    const processes = await stopBeforeDeletion(trx, acting, appGuid)
    const current = await lockRow(trx, 'apps', appGuid)
    if (current) await deleteAppRows(trx, acting, current)
    return { processes, isOurs: current !== undefined }
  })
  if (!deleted.isOurs) return
  stopInstances(
    services,
    deleted.processes.map(({ guid }) => guid),
  )
  emitAppLog(bus, appGuid, `Deleted app with guid ${appGuid}`)
}

/** Answers the processes that were started. */
async function stopBeforeDeletion(
  trx: Trx,
  acting: Acting,
  appGuid: string,
): Promise<ReadonlyArray<Pick<Row<'processes'>, 'guid'>>> {
  const app = await lockRow(trx, 'apps', appGuid)
  if (app?.desired_state !== 'STARTED') return []
  return stopApp(trx, acting, appGuid, { delete_triggered: true, reason: 'stopped as part of app deletion' })
}

function findApp({ db }: ThreadServices, guid: string): Promise<Row<'apps'> | undefined> {
  return db.selectFrom('apps').selectAll().where('guid', '=', guid).executeTakeFirst()
}

async function stopEverything(services: ThreadServices, app: Row<'apps'>): Promise<void> {
  const { db, bus } = services
  const processes = await db.selectFrom('processes').select('guid').where('app_guid', '=', app.guid).execute()
  stopInstances(
    services,
    processes.map((process) => process.guid),
  )
  const staging = await db
    .selectFrom('builds')
    .select('guid')
    .where('app_guid', '=', app.guid)
    .where('state', '=', 'STAGING')
    .execute()
  for (const { guid } of staging) bus.scheduleSync('staging.stop', { app_id: app.guid, task_id: guid })
}

async function deleteBlobs(services: ThreadServices, app: Row<'apps'>): Promise<void> {
  const { db, blobstore } = services
  for (const kind of ['packages', 'droplets'] as const) {
    const rows = await db.selectFrom(kind).select('guid').where('app_guid', '=', app.guid).execute()
    for (const { guid } of rows) await blobstore.delete(kind, guid)
  }
  await deleteBuildpackCaches(services, app)
}

/** An app has a cache for each stack that it was ever staged on. */
async function deleteBuildpackCaches({ db, blobstore }: ThreadServices, app: Row<'apps'>): Promise<void> {
  const stacks = await db.selectFrom('stacks').select('name').execute()
  for (const stack of [...stacks.map((row) => row.name), app.lifecycle_stack, null])
    await blobstore.delete('buildpack-caches', buildpackCacheKey(app.guid, stack))
}

import type { Actor } from '../actions/audit-events.ts'
import { deleteSpaceRows } from '../actions/delete-space.ts'
import { recordSpaceEvent } from '../actions/spaces.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Trx } from '../db/schema.ts'
import { updateRoutesOfApps } from '../dea/run-app.ts'
import type { ThreadServices } from '../http/environment.ts'
import { deleteApp } from './app-jobs.ts'
import { DeletionPayload } from './deletion-payload.ts'
import type { JobHandler } from './handlers.ts'

/** `space.delete`: the space and everything in it. What can't be deleted leaves it as it was before the request. */
export const removeSpace: JobHandler = async (services, { resource_guid: guid, payload }) => {
  const { actor, statusBefore } = DeletionPayload.parse(payload)
  if (!guid) return undefined
  try {
    await deleteSpace(services, actor, guid)
  } catch (error) {
    if (statusBefore)
      await services.db
        .updateTable('spaces')
        .set({ status: statusBefore })
        .where('guid', '=', guid)
        .where('status', '=', 'deleting')
        .execute()
    throw error
  }
  return undefined
}

/**
 * Deletes a space: first its apps, one by one, each with its instances, then in one transaction the rest. After a crash a
 * second try does what the first left undone; nothing happens when it is gone. Job threads, outside a transaction.
 */
export async function deleteSpace(
  services: ThreadServices,
  actor: Actor,
  spaceGuid: string,
  { alsoRecord = false }: { /** An event, because nobody asked for this very space. */ alsoRecord?: boolean } = {},
): Promise<void> {
  const { db } = services
  for (;;) {
    const apps = await db.selectFrom('apps').select('guid').where('space_guid', '=', spaceGuid).orderBy('id').execute()
    for (const { guid } of apps) await deleteApp(services, actor, guid)
    const outcome = await db.transaction().execute((trx) => removeRows(trx, actor, spaceGuid, alsoRecord))
    if (outcome.state === 'has-apps') continue
    await updateRoutesOfApps(services, outcome.appsWithOtherRoutes)
    return
  }
}

async function removeRows(trx: Trx, actor: Actor, spaceGuid: string, alsoRecord: boolean) {
  const space = await lockRow(trx, 'spaces', spaceGuid)
  if (!space) return { state: 'removed', appsWithOtherRoutes: [] } as const
  if (alsoRecord) await recordSpaceEvent(trx, actor, 'delete-request', space, { recursive: true })
  return deleteSpaceRows(trx, space)
}

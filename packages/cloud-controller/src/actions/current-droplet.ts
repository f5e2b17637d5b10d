import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Acting, recordAppEvent } from './app-events.ts'
import { lockApp } from './apps.ts'
import { createProcess } from './processes.ts'
import { replaceBuildpackSidecars } from './sidecars.ts'

/** What CC says of a droplet that is not the app's or not there. */
export const dropletNotAssignable = (): Error =>
  unprocessable('Unable to assign current droplet. Ensure the droplet exists and belongs to this app.')

/**
 * Makes a droplet the one that the app runs from its next start on. Adds processes for the droplet's types that the app has
 * not yet, removes none, and replaces the sidecars that buildpacks brought. Throws 422 when the droplet is not the app's, not
 * staged, or has no process types. Source: cloud_controller_ng app/actions/app_assign_droplet.rb.
 */
export async function setCurrentDroplet(trx: Trx, acting: Acting, appGuid: string, dropletGuid: string): Promise<void> {
  const app = await lockApp(trx, appGuid)
  const droplet = await trx
    .selectFrom('droplets')
    .selectAll()
    .where('guid', '=', dropletGuid)
    .where('app_guid', '=', appGuid)
    .executeTakeFirst()
  if (!droplet) throw dropletNotAssignable()
  if (droplet.state !== 'STAGED') throw unprocessable('droplet must be in staged state')
  await trx
    .updateTable('apps')
    .set({ droplet_guid: droplet.guid, updated_at: now() })
    .where('guid', '=', appGuid)
    .execute()
  await recordAppEvent(trx, acting, 'droplet.mapped', app, { request: { droplet_guid: droplet.guid } })
  await replaceBuildpackSidecars(trx, app, droplet)
  await addMissingProcesses(trx, acting, app, droplet)
}

async function addMissingProcesses(
  trx: Trx,
  acting: Acting,
  app: Row<'apps'>,
  droplet: Row<'droplets'>,
): Promise<void> {
  if (droplet.process_types === null)
    throw unprocessable(
      "Unable to create process types for this app's droplet. Please provide a droplet with valid process types.",
    )
  const existing = await trx.selectFrom('processes').select('type').where('app_guid', '=', app.guid).execute()
  for (const type of Object.keys(JSON.parse(droplet.process_types))) {
    if (!existing.some((process) => process.type === type)) await createProcess(trx, acting, app, type)
  }
}

import type { Row, Trx } from '../db/schema.ts'
import { deleteMetadata } from '../v3/kit/metadata.ts'
import { type Acting, recordAppEvent } from './app-events.ts'

/** Tables of what belongs to an app and has metadata of its own, children first. */
const parts = [
  { table: 'processes', type: 'process' },
  { table: 'deployments', type: 'deployment' },
  { table: 'revisions', type: 'revision' },
  { table: 'builds', type: 'build' },
  { table: 'droplets', type: 'droplet' },
  { table: 'packages', type: 'package' },
] as const

/**
 * Removes the rows of an app and of everything that belongs to it; routes stay, only their destinations go. Instances must
 * have been stopped and blobs deleted. Source: cloud_controller_ng app/actions/app_delete.rb.
 */
export async function deleteAppRows(trx: Trx, acting: Pick<Acting, 'actor'>, app: Row<'apps'>): Promise<void> {
  await recordPartsGone(trx, acting, app)
  await trx.deleteFrom('service_credential_bindings').where('app_guid', '=', app.guid).execute()
  await trx.deleteFrom('route_destinations').where('app_guid', '=', app.guid).execute()
  await trx.deleteFrom('sidecars').where('app_guid', '=', app.guid).execute()
  await trx
    .deleteFrom('instance_crashes')
    .where('process_guid', 'in', trx.selectFrom('processes').select('guid').where('app_guid', '=', app.guid))
    .execute()
  for (const { table, type } of parts) {
    const deleted = await trx.deleteFrom(table).where('app_guid', '=', app.guid).returning('guid').execute()
    await deleteMetadata(
      trx,
      type,
      deleted.map((row) => row.guid),
    )
  }
  await recordAppEvent(trx, acting, 'delete-request', app)
  await deleteMetadata(trx, 'app', [app.guid])
  await trx.deleteFrom('apps').where('guid', '=', app.guid).execute()
}

async function recordPartsGone(trx: Trx, acting: Pick<Acting, 'actor'>, app: Row<'apps'>): Promise<void> {
  const packages = await trx.selectFrom('packages').select('guid').where('app_guid', '=', app.guid).execute()
  for (const { guid } of packages) await recordAppEvent(trx, acting, 'package.delete', app, { package_guid: guid })
  const droplets = await trx.selectFrom('droplets').select('guid').where('app_guid', '=', app.guid).execute()
  for (const { guid } of droplets) await recordAppEvent(trx, acting, 'droplet.delete', app, { droplet_guid: guid })
  const destinations = await trx.selectFrom('route_destinations').selectAll().where('app_guid', '=', app.guid).execute()
  for (const { guid, route_guid, process_type, app_port, weight, protocol } of destinations)
    await recordAppEvent(trx, acting, 'unmap-route', app, {
      route_guid,
      app_port,
      route_mapping_guid: guid,
      destination_guid: guid,
      process_type,
      weight,
      protocol,
    })
  const processes = await trx
    .selectFrom('processes')
    .select(['guid', 'type'])
    .where('app_guid', '=', app.guid)
    .execute()
  for (const { guid, type } of processes)
    await recordAppEvent(trx, acting, 'process.delete', app, { process_guid: guid, process_type: type })
}

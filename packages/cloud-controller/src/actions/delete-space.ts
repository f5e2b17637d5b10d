import type { Row, Trx } from '../db/schema.ts'
import { deleteMetadata } from '../v3/kit/metadata.ts'
import { deleteRoutes } from './routes.ts'

/** What became of an attempt to remove a space: apps that came meanwhile have to go first. */
export type SpaceRemoval =
  | { readonly state: 'has-apps' }
  | { readonly state: 'removed'; readonly appsWithOtherRoutes: readonly string[] }

/**
 * Removes the rows of a space whose apps are gone: service instances with their bindings, routes, roles, bindings of security
 * groups. Tell the DEAs after the commit about apps of other spaces that lost a route. Source: cloud_controller_ng app/actions/space_delete.rb.
 */
export async function deleteSpaceRows(trx: Trx, space: Row<'spaces'>): Promise<SpaceRemoval> {
  const app = await trx.selectFrom('apps').select('id').where('space_guid', '=', space.guid).limit(1).executeTakeFirst()
  if (app) return { state: 'has-apps' }
  await deleteServiceInstances(trx, space.guid)
  const routes = await trx.selectFrom('routes').select('guid').where('space_guid', '=', space.guid).execute()
  const appsWithOtherRoutes = await deleteRoutes(
    trx,
    routes.map(({ guid }) => guid),
  )
  for (const table of ['route_shared_spaces', 'security_group_spaces', 'roles'] as const)
    await trx.deleteFrom(table).where('space_guid', '=', space.guid).execute()
  await deleteMetadata(trx, 'space', [space.guid])
  await trx.deleteFrom('spaces').where('guid', '=', space.guid).execute()
  return { state: 'removed', appsWithOtherRoutes }
}

async function deleteServiceInstances(trx: Trx, spaceGuid: string): Promise<void> {
  const instances = trx.selectFrom('service_instances').select('guid').where('space_guid', '=', spaceGuid)
  for (const [table, type] of [
    ['service_route_bindings', 'service_route_binding'],
    ['service_credential_bindings', 'service_credential_binding'],
  ] as const) {
    const bindings = await trx
      .deleteFrom(table)
      .where('service_instance_guid', 'in', instances)
      .returning('guid')
      .execute()
    await deleteMetadata(
      trx,
      type,
      bindings.map(({ guid }) => guid),
    )
  }
  const deleted = await trx
    .deleteFrom('service_instances')
    .where('space_guid', '=', spaceGuid)
    .returning('guid')
    .execute()
  await deleteMetadata(
    trx,
    'service_instance',
    deleted.map(({ guid }) => guid),
  )
}

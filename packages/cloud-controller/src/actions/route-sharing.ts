import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { now } from '../v3/kit/timestamps.ts'
import { lockDomain } from './domain-lookup.ts'
import { unmapAppsOfSpace } from './route-destinations.ts'
import { requireHostOfOneSpace } from './route-rules.ts'
import { lockRoute, type RouteActing, recordRouteEvent, routeUrl } from './routes.ts'

/** Lets apps of these spaces be destinations of the route. Throws 422 for the route's own space. */
export async function shareRoute(
  trx: Trx,
  acting: RouteActing,
  routeGuid: string,
  spaceGuids: readonly string[],
): Promise<void> {
  const route = await lockRoute(trx, routeGuid)
  if (spaceGuids.includes(route.space_guid))
    throw unprocessable(
      `Unable to share route '${routeUrl(route)}' with space '${route.space_guid}'. Routes cannot be shared into the space where they were created.`,
    )
  for (const spaceGuid of spaceGuids) await addSharedSpace(trx, routeGuid, spaceGuid)
  await recordRouteEvent(trx, acting, 'share', route, { target_space_guids: spaceGuids })
}

async function addSharedSpace(trx: Trx, routeGuid: string, spaceGuid: string): Promise<void> {
  await trx
    .insertInto('route_shared_spaces')
    .values({ route_guid: routeGuid, space_guid: spaceGuid })
    .onConflict((conflict) => conflict.columns(['route_guid', 'space_guid']).doNothing())
    .execute()
}

/**
 * Takes the route back from a space, whose apps are unmapped. Throws 422 for the route's own space. Returns the apps whose
 * routes changed: tell the DEAs after the commit.
 */
export async function unshareRoute(
  trx: Trx,
  acting: RouteActing,
  routeGuid: string,
  spaceGuid: string,
): Promise<string[]> {
  const route = await lockRoute(trx, routeGuid)
  if (spaceGuid === route.space_guid)
    throw unprocessable(
      `Unable to unshare route '${routeUrl(route)}' from space '${spaceGuid}'. Routes cannot be removed from the space that owns them.`,
    )
  await removeSharedSpace(trx, routeGuid, spaceGuid)
  const appGuids = await unmapAppsOfSpace(trx, acting, route, spaceGuid)
  await recordRouteEvent(trx, acting, 'unshare', route, { target_space_guid: spaceGuid })
  return appGuids
}

async function removeSharedSpace(trx: Trx, routeGuid: string, spaceGuid: string): Promise<void> {
  await trx
    .deleteFrom('route_shared_spaces')
    .where('route_guid', '=', routeGuid)
    .where('space_guid', '=', spaceGuid)
    .execute()
}

/**
 * Gives the route to another space; the old one keeps it shared, so nothing is unmapped. Throws 422 when the host has other
 * routes in its space. Source: cloud_controller_ng app/actions/route_transfer_owner.rb.
 */
export async function transferRoute(
  trx: Trx,
  acting: RouteActing,
  routeGuid: string,
  { space, domain }: { readonly space: Row<'spaces'>; readonly domain: Row<'domains'> },
): Promise<void> {
  await lockDomain(trx, domain.guid)
  const route = await lockRoute(trx, routeGuid)
  if (route.space_guid === space.guid) return
  await requireHostOfOneSpace(trx, { host: route.host, domain }, space.guid, route.guid)
  await removeSharedSpace(trx, routeGuid, space.guid)
  await addSharedSpace(trx, routeGuid, route.space_guid)
  await trx
    .updateTable('routes')
    .set({ space_guid: space.guid, updated_at: now() })
    .where('guid', '=', routeGuid)
    .execute()
  await recordRouteEvent(trx, acting, 'transfer-owner', route, { target_space_guid: space.guid })
}

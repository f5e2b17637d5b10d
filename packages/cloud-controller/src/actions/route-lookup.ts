import type { Db, Row } from '../db/schema.ts'
import { findDomainByName } from './domain-lookup.ts'
import type { RouteWithDomain } from './routes.ts'

export interface HostAndDomain {
  readonly host: string
  readonly domain: Row<'domains'>
}

/**
 * Splits the host of a route's URL ("hello.apps.example.org") into host and an existing domain: the whole as a domain wins
 * over its first label as a host; a wildcard is always a host. Undefined where there is no such domain.
 * Source: cloud_controller_ng lib/cloud_controller/app_manifest/manifest_route.rb, app/actions/manifest_route_update.rb.
 */
export async function findDomainForRouteUrl(db: Db, urlHost: string): Promise<HostAndDomain | undefined> {
  const whole = urlHost.startsWith('*') ? undefined : await findDomainByName(db, urlHost)
  if (whole) return { host: '', domain: whole }
  const [host = '', ...parent] = urlHost.split('.')
  const domain = parent.length === 0 ? undefined : await findDomainByName(db, parent.join('.'))
  return domain && { host, domain }
}

/** Whether apps of the space may be destinations of the route: it is the route's own or one that the route is shared with. */
export async function isRouteAvailableInSpace(
  db: Db,
  route: Pick<RouteWithDomain, 'guid' | 'space_guid'>,
  spaceGuid: string,
): Promise<boolean> {
  return (await spacesOfRoute(db, route)).has(spaceGuid)
}

/** The route's own space and those it is shared with. */
export async function spacesOfRoute(
  db: Db,
  route: Pick<RouteWithDomain, 'guid' | 'space_guid'>,
): Promise<ReadonlySet<string>> {
  const shared = await db
    .selectFrom('route_shared_spaces')
    .select('space_guid')
    .where('route_guid', '=', route.guid)
    .execute()
  return new Set([route.space_guid, ...shared.map(({ space_guid }) => space_guid)])
}

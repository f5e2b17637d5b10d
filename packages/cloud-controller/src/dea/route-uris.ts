import type { Db } from '../db/schema.ts'

/** A route's address as routers and apps know it: `host.domain/path`, without a host only the domain. */
export function routeUri({ host, domain, path }: { host: string; domain: string; path: string }): string {
  return `${host === '' ? '' : `${host}.`}${domain}${path}`
}

interface AppRoute {
  readonly app_guid: string
  readonly process_type: string
  readonly uri: string
}

/**
 * HTTP routes of these apps by process type, in the order of mapping; one statement. Routes of internal domains and TCP
 * routes are left out: the HTTP router can't serve them.
 */
async function httpRoutes(db: Db, appGuids: readonly string[]): Promise<AppRoute[]> {
  if (appGuids.length === 0) return []
  const rows = await db
    .selectFrom('route_destinations')
    .innerJoin('routes', 'routes.guid', 'route_destinations.route_guid')
    .innerJoin('domains', 'domains.guid', 'routes.domain_guid')
    .select([
      'route_destinations.app_guid',
      'route_destinations.process_type',
      'routes.host',
      'routes.path',
      'domains.name as domain',
    ])
    .where('route_destinations.app_guid', 'in', appGuids)
    .where('domains.internal', '=', 0)
    .where('domains.router_group_guid', 'is', null)
    .orderBy('route_destinations.id')
    .execute()
  return rows.map((row) => ({ app_guid: row.app_guid, process_type: row.process_type, uri: routeUri(row) }))
}

/** URIs of each process, looked up by app and type; every process of a type has the same ones. */
export async function processUris(
  db: Db,
  processes: ReadonlyArray<{ readonly guid: string; readonly app_guid: string; readonly type: string }>,
): Promise<ReadonlyMap<string, string[]>> {
  const routes = await httpRoutes(db, [...new Set(processes.map((process) => process.app_guid))])
  return new Map(
    processes.map(({ guid, app_guid, type }) => [
      guid,
      uniqueUris(routes.filter((route) => route.app_guid === app_guid && route.process_type === type)),
    ]),
  )
}

/** URIs of an app, whatever process they lead to. */
export async function appUris(db: Db, appGuid: string): Promise<string[]> {
  return uniqueUris(await httpRoutes(db, [appGuid]))
}

/** One route may lead to several ports of a process. */
const uniqueUris = (routes: readonly AppRoute[]): string[] => [...new Set(routes.map((route) => route.uri))]

import { type Expression, type ExpressionBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import { z } from 'zod'
import { optionsOf } from '../../actions/route-options.ts'
import { type RouteWithDomain, routeProtocol, routesWithDomain, routeUrl } from '../../actions/routes.ts'
import type { Db, Tables } from '../../db/schema.ts'
import type { Caller } from '../../permissions/caller.ts'
import { routeSpaceGuidsReadBy, spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { domains } from '../domains/resource.ts'
import { one, whole } from '../kit/answer-fields.ts'
import { includedRows } from '../kit/included.ts'
import { presentAll } from '../kit/present.ts'
import { type Include, type ResourceQuery, resource } from '../kit/resource.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'
import { type DestinationsByRoute, destinationsOfRoutes, presentDestination, RouteDestination } from './destinations.ts'

type RouteTables = 'routes' | 'domains'
type RouteQuery = ResourceQuery<RouteTables, RouteWithDomain>
/** A subquery of space guids. */
type SpaceGuids = Expression<{ guid: string }>

const fields = () =>
  z.object({
    protocol: z.string(),
    host: z.string(),
    path: z.string(),
    port: whole.nullable(),
    url: z.string(),
    destinations: z.array(RouteDestination),
    options: z.record(z.string(), z.unknown()).optional(),
    relationships: z.object({ space: one, domain: one }),
  })

/** Routes as lists show them: those of the caller's spaces, and those shared with them. */
export const routes = resource<RouteTables, RouteWithDomain, DestinationsByRoute, ReturnType<typeof fields>>({
  singular: 'Route',
  type: 'route',
  path: '/v3/routes',
  table: 'routes',
  hasMetadata: true,
  fields,
  select: (db) => routesWithDomain(db),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : inSpaces(query, routeSpaceGuidsReadBy(db, caller) as SpaceGuids),
  filters: {
    hosts: (query, hosts) => query.where(isOneOf('routes.host', hosts)),
    paths: (query, paths) => query.where(isOneOf('routes.path', paths)),
    ports: (query, ports) => withPorts(query, ports),
    space_guids: (query, guids) => inSpaces(query, guids),
    organization_guids: (query, guids, db) =>
      query.where(
        'routes.space_guid',
        'in',
        db.selectFrom('spaces').select('spaces.guid').where('spaces.organization_guid', 'in', guids),
      ),
    domain_guids: (query, guids) => query.where('routes.domain_guid', 'in', guids),
    app_guids: (query, guids, db) => query.where('routes.guid', 'in', routeGuidsOfApps(db, guids)),
    service_instance_guids: (query, guids, db) =>
      query.where(
        'routes.guid',
        'in',
        db
          .selectFrom('service_route_bindings')
          .select('service_route_bindings.route_guid')
          .where('service_route_bindings.service_instance_guid', 'in', guids),
      ),
  },
  /** Not yet `route_policies`: there are none. */
  include: {
    domain: includedDomains,
    space: includedSpaces,
    'space.organization': async (db, rows, view) => [
      await includedSpaces(db, rows, view),
      await includedOrganizations(db, rows, view),
    ],
  },
  load: (db, rows) =>
    destinationsOfRoutes(
      db,
      rows.map(({ guid }) => guid),
    ),
  present: (route, destinations) => {
    const options = optionsOf(route)
    return {
      fields: {
        protocol: routeProtocol(route),
        host: route.host,
        path: route.path,
        port: route.port,
        url: routeUrl(route),
        destinations: (destinations.get(route.guid) ?? []).map((row) => presentDestination(row, route)),
        ...(options && { options }),
        relationships: {
          space: { data: { guid: route.space_guid } },
          domain: { data: { guid: route.domain_guid } },
        },
      },
      links: {
        space: `/v3/spaces/${route.space_guid}`,
        destinations: `/v3/routes/${route.guid}/destinations`,
        domain: `/v3/domains/${route.domain_guid}`,
      },
    }
  },
})

/** A single route is found only by who reads the space that owns it (routes_controller.rb: can_read_route?). */
export const ownedRoutes = {
  ...routes,
  readableBy: (query: RouteQuery, caller: Caller, db: Db): RouteQuery =>
    caller.readsGlobally ? query : query.where('routes.space_guid', 'in', routeSpaceGuidsReadBy(db, caller)),
} satisfies typeof routes

/** Routes of an app are seen by who reads the app: not by auditors of the organization. */
export const routesOfApps = {
  ...routes,
  readableBy: (query: RouteQuery, caller: Caller, db: Db): RouteQuery =>
    caller.readsGlobally ? query : inSpaces(query, spaceGuidsReadBy(db, caller) as SpaceGuids),
} satisfies typeof routes

export function routeGuidsOfApps(db: Db, appGuids: readonly string[]) {
  return db
    .selectFrom('route_destinations')
    .select('route_destinations.route_guid')
    .where('route_destinations.app_guid', 'in', appGuids)
}

/** Routes that belong to one of the spaces or are shared with one. */
function inSpaces(query: RouteQuery, guids: SpaceGuids | readonly string[]): RouteQuery {
  return query.where((eb: ExpressionBuilder<Tables, RouteTables>) =>
    eb.or([
      eb('routes.space_guid', 'in', guids as readonly string[]),
      eb(
        'routes.guid',
        'in',
        eb
          .selectFrom('route_shared_spaces')
          .select('route_shared_spaces.route_guid')
          .where('route_shared_spaces.space_guid', 'in', guids as readonly string[]),
      ),
    ]),
  )
}

/** Hosts and paths know no letter case. */
export function isOneOf(column: 'routes.host' | 'routes.path', values: readonly string[]) {
  return sql<SqlBool>`lower(${sql.ref(column)}) in (${sql.join(values.map((value) => sql`lower(${value})`))})`
}

/** Routes with one of the ports; 0 stands for none, as in CC's table. What is no number matches nothing. */
export function withPorts<O>(
  query: SelectQueryBuilder<Tables, RouteTables, O>,
  ports: readonly string[],
): SelectQueryBuilder<Tables, RouteTables, O> {
  const numbers = ports.filter((port) => /^\d{1,5}$/.test(port)).map(Number)
  if (numbers.length === 0) return query.where(sql<SqlBool>`1 = 0`)
  return query.where(sql<SqlBool>`coalesce(${sql.ref('routes.port')}, 0) in (${sql.join(numbers)})`)
}

type RouteInclude = Include<RouteWithDomain>

/** Whoever sees a route sees its domain; ordered by name. */
async function includedDomains(...[db, rows, view]: Parameters<RouteInclude>) {
  const guids = [...new Set(rows.map((route) => route.domain_guid))]
  const found =
    guids.length === 0
      ? []
      : await domains.select(db).where('domains.guid', 'in', guids).orderBy('domains.name').execute()
  return { key: 'domains', resources: await presentAll(db, domains, found, view) }
}

function includedSpaces(...[db, rows, view]: Parameters<RouteInclude>) {
  return includedRows(db, spaces, { key: 'spaces', guids: rows.map((route) => route.space_guid), view })
}

async function includedOrganizations(...[db, rows, view]: Parameters<RouteInclude>) {
  const spaceGuids = [...new Set(rows.map((route) => route.space_guid))]
  const owners =
    spaceGuids.length === 0
      ? []
      : await db.selectFrom('spaces').select('organization_guid').distinct().where('guid', 'in', spaceGuids).execute()
  const guids = owners.map(({ organization_guid }) => organization_guid)
  return includedRows(db, organizations, { key: 'organizations', guids, view })
}

import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Db, Row, Trx } from '../db/schema.ts'
import { notFound, unprocessable } from '../errors/api-error.ts'
import { deleteMetadata, type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import type { Acting } from './app-events.ts'
import { recordAuditEvent } from './audit-events.ts'
import { lockDomain } from './domain-lookup.ts'
import { optionsOf, type RouteOptions, storedOptions } from './route-options.ts'
import { type RouteAddress, requireCreatableRoute, routeExists } from './route-rules.ts'

/** Who does it, and whether a manifest made them; for requests, `acting(c)`. */
export type RouteActing = Pick<Acting, 'actor' | 'manifestTriggered'>

/** Routes with what their address takes from the domain. */
export function routesWithDomain(db: Db) {
  return db
    .selectFrom('routes')
    .innerJoin('domains', 'domains.guid', 'routes.domain_guid')
    .selectAll('routes')
    .select(['domains.name as domain_name', 'domains.router_group_guid as domain_router_group_guid'])
}

export type RouteWithDomain = Row<'routes'> & {
  readonly domain_name: string
  readonly domain_router_group_guid: string | null
}

/** The protocol of a route: TCP where the domain has a router group. */
export function routeProtocol({ domain_router_group_guid }: RouteWithDomain): 'http' | 'tcp' {
  return domain_router_group_guid === null ? 'http' : 'tcp'
}

/** `host.domain/path`, for TCP `domain:port` (cloud_controller_ng app/presenters/v3/route_presenter.rb). */
export function routeUrl({ host, domain_name, path, port }: RouteWithDomain): string {
  if (port !== null) return `${domain_name}:${port}`
  return `${host === '' ? '' : `${host}.`}${domain_name}${path}`
}

export interface NewRoute extends RouteAddress {
  readonly space: Row<'spaces'>
  readonly options?: RouteOptions | undefined
  readonly metadata?: MetadataMessage | undefined
  /** The body, for the event. */
  readonly request: object
}

/**
 * Creates a route without destinations and returns its guid. Whether the caller may (feature flag route_creation, role in
 * the space, a wildcard host on a shared domain) has been asked before. Throws 422 when the address is taken or can't be, 503
 * for a domain with a router group. Source: cloud_controller_ng app/actions/route_create.rb.
 */
export async function createRoute(trx: Trx, acting: RouteActing, route: NewRoute): Promise<string> {
  const { host, path, domain, space } = route
  if (!(await lockDomain(trx, domain.guid))) throw invalidDomain()
  const options = storedOptions(route.options ?? {})
  await requireCreatableRoute(trx, route, space)
  const guid = randomUUID()
  const time = now()
  await uniquely(
    () =>
      trx
        .insertInto('routes')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          host,
          path,
          port: null,
          domain_guid: domain.guid,
          space_guid: space.guid,
          options,
        })
        .execute(),
    () => routeExists(route),
  )
  await saveMetadata(trx, { type: 'route', guid }, route.metadata)
  await recordRouteEvent(trx, acting, 'create', { guid, host, space_guid: space.guid }, { request: route.request })
  return guid
}

/** What a domain that is not there, or not seen, is answered with. */
export const invalidDomain = (): Error =>
  unprocessable('Invalid domain. Ensure that the domain exists and you have access to it.')

/** Merges options (null removes one) and metadata. Source: cloud_controller_ng app/actions/route_update.rb. */
export async function updateRoute(
  trx: Trx,
  guid: string,
  change: { readonly options?: RouteOptions | undefined; readonly metadata?: MetadataMessage | undefined },
): Promise<void> {
  const route = await lockRoute(trx, guid)
  if (change.options)
    await trx
      .updateTable('routes')
      .set({ options: storedOptions({ ...optionsOf(route), ...change.options }), updated_at: now() })
      .where('guid', '=', guid)
      .execute()
  await saveMetadata(trx, { type: 'route', guid }, change.metadata)
}

/** Reads the route and keeps other transactions from changing it until this one ends. Throws 404 when it is gone. */
export async function lockRoute(trx: Trx, guid: string): Promise<RouteWithDomain> {
  await lockRow(trx, 'routes', guid)
  const route = await routesWithDomain(trx).where('routes.guid', '=', guid).executeTakeFirst()
  if (!route) throw notFound('Route')
  return route
}

/** Tells that somebody asked for the route to be deleted; the job does it. */
export async function requestRouteDeletion(trx: Trx, acting: RouteActing, route: RouteWithDomain): Promise<void> {
  await recordRouteEvent(trx, acting, 'delete-request', route, { request: { recursive: true } })
}

/** Statements with a long list of values are split, because databases limit their number. */
const batchSize = 1000

/**
 * Removes routes with their destinations, shares and metadata. Returns the apps whose routes changed: tell the DEAs after the
 * commit. Does nothing for those that are gone.
 */
export async function deleteRoutes(trx: Trx, guids: readonly string[]): Promise<string[]> {
  const appGuids = new Set<string>()
  for (let start = 0; start < guids.length; start += batchSize) {
    const batch = guids.slice(start, start + batchSize)
    const destinations = await trx
      .deleteFrom('route_destinations')
      .where('route_guid', 'in', batch)
      .returning('app_guid')
      .execute()
    for (const { app_guid } of destinations) appGuids.add(app_guid)
    await trx.deleteFrom('route_shared_spaces').where('route_guid', 'in', batch).execute()
    const bindings = await trx
      .deleteFrom('service_route_bindings')
      .where('route_guid', 'in', batch)
      .returning('guid')
      .execute()
    await deleteMetadata(
      trx,
      'service_route_binding',
      bindings.map(({ guid }) => guid),
    )
    await deleteMetadata(trx, 'route', batch)
    await trx.deleteFrom('routes').where('guid', 'in', batch).execute()
  }
  return [...appGuids]
}

/** Removes the routes of a space that lead to no app and have no route service. */
export async function deleteUnmappedRoutes(trx: Trx, spaceGuid: string): Promise<void> {
  const unmapped = await trx
    .selectFrom('routes')
    .select('routes.guid')
    .where('routes.space_guid', '=', spaceGuid)
    .where('routes.guid', 'not in', trx.selectFrom('route_destinations').select('route_guid'))
    .where('routes.guid', 'not in', trx.selectFrom('service_route_bindings').select('route_guid'))
    .execute()
  await deleteRoutes(
    trx,
    unmapped.map(({ guid }) => guid),
  )
}

/** Writes an event whose target is the route: `verb` is what follows `audit.route.` (semantics, section 39). */
export async function recordRouteEvent(
  trx: Trx,
  { actor, manifestTriggered }: RouteActing,
  verb: 'create' | 'delete-request' | 'share' | 'unshare' | 'transfer-owner',
  route: Pick<Row<'routes'>, 'guid' | 'host' | 'space_guid'>,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.route.${verb}`,
    target: { guid: route.guid, type: 'route', name: route.host },
    data: { ...(manifestTriggered && { manifest_triggered: true }), ...data },
    spaceGuid: route.space_guid,
  })
}

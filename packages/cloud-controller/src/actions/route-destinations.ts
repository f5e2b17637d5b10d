import { randomUUID } from 'node:crypto'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { now } from '../v3/kit/timestamps.ts'
import { recordAppEvent } from './app-events.ts'
import { optionsOf } from './route-options.ts'
import { lockRoute, type RouteActing, type RouteWithDomain, routeProtocol, routeUrl } from './routes.ts'

export type DestinationProtocol = 'http1' | 'http2' | 'tcp'

/** Where a route is to lead. Null is the default: port 8080 of a buildpack app, no weight, `http1` (`tcp` for a TCP route). */
export interface DestinationMessage {
  readonly appGuid: string
  readonly processType: string
  readonly port: number | null
  readonly weight: number | null
  readonly protocol: DestinationProtocol | null
}

export const defaultProcessType = 'web'
export const defaultAppPort = 8080
const maximumDestinations = 100
const protocolsOfRoute = { http: ['http1', 'http2'], tcp: ['tcp'] } as const

type Destination = Row<'route_destinations'>
type NewDestination = Omit<Destination, 'id' | 'guid' | 'created_at' | 'updated_at'>

/**
 * Adds destinations to a route; one that is there already stays as it is. The apps exist and are in a space of the route:
 * ask before. Returns the apps whose routes changed: tell the DEAs after the commit.
 * Source: cloud_controller_ng app/actions/update_route_destinations.rb.
 */
export async function insertDestinations(
  trx: Trx,
  acting: RouteActing,
  routeGuid: string,
  messages: readonly DestinationMessage[],
): Promise<string[]> {
  const route = await lockRoute(trx, routeGuid)
  const existing = await destinationsOf(trx, routeGuid)
  const wanted = await newDestinations(trx, route, messages)
  requireFewEnough(existing.length + wanted.length)
  if (existing.some(({ weight }) => weight !== null))
    throw unprocessable('Destinations cannot be inserted when there are weighted destinations already configured.')
  const added = wanted.filter((destination) => {
    const present = existing.find((other) => placeOf(other) === placeOf(destination))
    if (present && present.protocol !== destination.protocol) throw otherProtocol(route, destination, present)
    return !present
  })
  return change(trx, acting, route, { removed: [], added })
}

/** Makes these the destinations of the route; those that stay the same keep their guid. Returns as `insertDestinations`. */
export async function replaceDestinations(
  trx: Trx,
  acting: RouteActing,
  routeGuid: string,
  messages: readonly DestinationMessage[],
): Promise<string[]> {
  const route = await lockRoute(trx, routeGuid)
  const existing = await destinationsOf(trx, routeGuid)
  const wanted = await newDestinations(trx, route, messages)
  requireFewEnough(wanted.length)
  const isSame = (one: NewDestination) => (other: NewDestination) =>
    placeOf(one) === placeOf(other) && one.weight === other.weight && one.protocol === other.protocol
  return change(trx, acting, route, {
    removed: existing.filter((destination) => !wanted.some(isSame(destination))),
    added: wanted.filter((destination) => !existing.some(isSame(destination))),
  })
}

/** Removes one destination. Throws 422 when it has a weight, or is no destination of the route. Returns as `insertDestinations`. */
export async function deleteDestination(
  trx: Trx,
  acting: RouteActing,
  routeGuid: string,
  destinationGuid: string,
): Promise<string[]> {
  const route = await lockRoute(trx, routeGuid)
  const destination = (await destinationsOf(trx, routeGuid)).find(({ guid }) => guid === destinationGuid)
  if (!destination) throw destinationMissing()
  if (destination.weight !== null) throw unprocessable('Weighted destinations cannot be deleted individually.')
  return change(trx, acting, route, { removed: [destination], added: [] })
}

/** What a destination of another route, or none, is answered with. */
export const destinationMissing = (): Error =>
  unprocessable('Unable to unmap route from destination. Ensure the route has a destination with this guid.')

/** Removes the destinations of a route that are apps of this space, whatever their weight. Returns as `insertDestinations`. */
export async function unmapAppsOfSpace(
  trx: Trx,
  acting: RouteActing,
  route: RouteWithDomain,
  spaceGuid: string,
): Promise<string[]> {
  const removed = await trx
    .selectFrom('route_destinations')
    .innerJoin('apps', 'apps.guid', 'route_destinations.app_guid')
    .selectAll('route_destinations')
    .where('route_destinations.route_guid', '=', route.guid)
    .where('apps.space_guid', '=', spaceGuid)
    .orderBy('route_destinations.id')
    .execute()
  return change(trx, acting, route, { removed, added: [] })
}

/** Takes the app from all its routes, whatever the weights. Returns as `insertDestinations`. */
export async function unmapApp(trx: Trx, acting: RouteActing, appGuid: string): Promise<string[]> {
  const destinations = await trx
    .selectFrom('route_destinations')
    .selectAll()
    .where('app_guid', '=', appGuid)
    .orderBy('id')
    .execute()
  const byRoute = Map.groupBy(destinations, ({ route_guid }) => route_guid)
  const changed: string[] = []
  for (const [routeGuid, removed] of byRoute)
    changed.push(...(await change(trx, acting, await lockRoute(trx, routeGuid), { removed, added: [] })))
  return changed
}

/** Sets the protocol of a destination. Throws 422 when the route's protocol does not allow it. */
export async function changeDestinationProtocol(
  trx: Trx,
  route: RouteWithDomain,
  destinationGuid: string,
  protocol: DestinationProtocol,
): Promise<void> {
  const routes = routeProtocol(route)
  if (routes === 'tcp' && protocol !== 'tcp')
    throw unprocessable("Destination protocol must be 'tcp' if the parent route's protocol is 'tcp'")
  if (routes === 'http' && protocol === 'tcp')
    throw unprocessable("Destination protocol must be 'http1' or 'http2' if the parent route's protocol is 'http'")
  await trx
    .updateTable('route_destinations')
    .set({ protocol: storedProtocol(protocol), updated_at: now() })
    .where('guid', '=', destinationGuid)
    .execute()
}

/** Only what differs from the route's default is kept. */
const storedProtocol = (protocol: DestinationProtocol | null): 'http2' | null =>
  protocol === 'http2' ? protocol : null

/** The protocol of a destination as clients see it. */
export function destinationProtocol(
  destination: Pick<Destination, 'protocol'>,
  route: RouteWithDomain,
): DestinationProtocol {
  if (destination.protocol === 'http2') return 'http2'
  return routeProtocol(route) === 'tcp' ? 'tcp' : 'http1'
}

async function destinationsOf(trx: Trx, routeGuid: string): Promise<Destination[]> {
  return trx.selectFrom('route_destinations').selectAll().where('route_guid', '=', routeGuid).orderBy('id').execute()
}

/** What makes two destinations of a route the same place. */
const placeOf = (destination: NewDestination): string =>
  JSON.stringify([destination.app_guid, destination.process_type, destination.app_port])

async function newDestinations(
  trx: Trx,
  route: RouteWithDomain,
  messages: readonly DestinationMessage[],
): Promise<NewDestination[]> {
  const apps = await appsWithGuids(
    trx,
    messages.map(({ appGuid }) => appGuid),
  )
  const wanted = messages.map(({ appGuid, processType, port, weight, protocol }): NewDestination => {
    const defaultPort = apps.get(appGuid)?.lifecycle_type === 'buildpack' ? defaultAppPort : null
    requireProtocolOf(route, protocol)
    return {
      route_guid: route.guid,
      app_guid: appGuid,
      process_type: processType,
      app_port: port ?? defaultPort,
      weight,
      protocol: storedProtocol(protocol),
    }
  })
  if (new Set(wanted.map(placeOf)).size < wanted.length)
    throw unprocessable('Destinations cannot contain duplicate entries')
  return wanted
}

function requireProtocolOf(route: RouteWithDomain, protocol: DestinationProtocol | null): void {
  const allowed: readonly string[] = protocolsOfRoute[routeProtocol(route)]
  if (protocol === null || allowed.includes(protocol)) return
  throw unprocessable(
    `Cannot use '${protocol}' protocol for ${routeProtocol(route)} routes; valid options are: [${allowed.join(', ')}].`,
  )
}

function requireFewEnough(count: number): void {
  if (count > maximumDestinations)
    throw unprocessable(`Routes can be mapped to at most ${maximumDestinations} destinations.`)
}

function otherProtocol(route: RouteWithDomain, wanted: NewDestination, present: Destination): Error {
  return unprocessable(
    `Cannot add destination with protocol: ${destinationProtocol(wanted, route)}. Destination already exists for route: ${routeUrl(route)}, app: ${wanted.app_guid}, process: ${wanted.process_type}, and protocol: ${destinationProtocol(present, route)}.`,
  )
}

async function change(
  trx: Trx,
  acting: RouteActing,
  route: RouteWithDomain,
  { removed, added }: { removed: readonly Destination[]; added: readonly NewDestination[] },
): Promise<string[]> {
  const apps = await appsWithGuids(
    trx,
    [...removed, ...added].map(({ app_guid }) => app_guid),
  )
  const record = async (verb: 'map-route' | 'unmap-route', destination: NewDestination & { guid: string }) => {
    const app = apps.get(destination.app_guid)
    if (app) await recordAppEvent(trx, acting, verb, app, eventData(route, destination))
  }
  for (const destination of removed) {
    await trx.deleteFrom('route_destinations').where('guid', '=', destination.guid).execute()
    await record('unmap-route', destination)
  }
  for (const destination of added) {
    const time = now()
    const row = { ...destination, guid: randomUUID(), created_at: time, updated_at: time }
    await trx.insertInto('route_destinations').values(row).execute()
    await record('map-route', row)
  }
  return [...apps.keys()]
}

async function appsWithGuids(trx: Trx, guids: readonly string[]): Promise<ReadonlyMap<string, Row<'apps'>>> {
  if (guids.length === 0) return new Map()
  const apps = await trx
    .selectFrom('apps')
    .selectAll()
    .where('guid', 'in', [...new Set(guids)])
    .execute()
  return new Map(apps.map((app) => [app.guid, app]))
}

function eventData(route: RouteWithDomain, destination: NewDestination & { guid: string }): Record<string, unknown> {
  const options = optionsOf(route)
  return {
    route_guid: route.guid,
    app_port: destination.app_port,
    route_mapping_guid: destination.guid,
    destination_guid: destination.guid,
    process_type: destination.process_type,
    weight: destination.weight,
    protocol: destinationProtocol(destination, route),
    ...(options && Object.keys(options).length > 0 && { route_options: options }),
  }
}

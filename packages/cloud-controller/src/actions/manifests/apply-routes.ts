import type { Row, Trx } from '../../db/schema.ts'
import { notAuthorized, unprocessable } from '../../errors/api-error.ts'
import { findDefaultDomain } from '../default-domain.ts'
import { requireFeatureOfEveryone } from '../feature-flags.ts'
import {
  defaultProcessType,
  destinationProtocol,
  insertDestinations,
  replaceDestinations,
  unmapApp,
} from '../route-destinations.ts'
import { findDomainForRouteUrl, type HostAndDomain, isRouteAvailableInSpace } from '../route-lookup.ts'
import { findRouteByAddress } from '../route-rules.ts'
import { createRoute, lockRoute, type RouteActing, updateRoute } from '../routes.ts'
import type { ManifestRoute, ManifestRoutes } from './app-manifest.ts'
import { withFaultContext } from './fault-context.ts'
import { randomRouteWords } from './random-route.ts'

const maximumHostLength = 63
const maximumPathLength = 128
const hostFormat = /^([\w-]+|\*)$/

/**
 * Maps routes to the app's web process, creating those that are missing; `noRoute` unmaps all instead. A random or default
 * route is only for an app without any. Returns the apps whose routes changed: tell the DEAs after the commit.
 * Source: cloud_controller_ng app/actions/{app_apply_manifest,manifest_route_update}.rb.
 */
export async function applyRoutes(
  trx: Trx,
  acting: RouteActing,
  app: Row<'apps'>,
  manifest: ManifestRoutes,
): Promise<string[]> {
  if (manifest.noRoute) return unmapApp(trx, acting, app.guid)
  if (manifest.routes) return mapRoutes(trx, acting, app, manifest.routes)
  if (!manifest.randomRoute && !manifest.defaultRoute) return []
  if (await hasRoutes(trx, app)) return []
  const host = manifest.randomRoute ? `${app.name}-${randomRouteWords()}` : defaultHost(app)
  const domain = await defaultDomainName(trx, app)
  const urlHost = `${host}.${domain}`
  return mapRoutes(trx, acting, app, [{ text: urlHost, urlHost, port: null, path: '', protocol: null }])
}

async function hasRoutes(trx: Trx, app: Row<'apps'>): Promise<boolean> {
  const destination = await trx
    .selectFrom('route_destinations')
    .select('id')
    .where('app_guid', '=', app.guid)
    .limit(1)
    .executeTakeFirst()
  return destination !== undefined
}

function defaultHost({ name }: Row<'apps'>): string {
  const failed = 'Failed to create default route from app name: Host'
  if (name.length > maximumHostLength) throw unprocessable(`${failed} cannot exceed ${maximumHostLength} characters`)
  if (!/^[\w-]+$/.test(name))
    throw unprocessable(`${failed} must be either "*" or contain only alphanumeric characters, "_", or "-"`)
  return name
}

async function defaultDomainName(trx: Trx, app: Row<'apps'>): Promise<string> {
  const space = await spaceOf(trx, app)
  const domain = await findDefaultDomain(trx, space.organization_guid)
  if (!domain) throw unprocessable('No default domains available')
  return domain.name
}

async function spaceOf(trx: Trx, app: Row<'apps'>): Promise<Row<'spaces'>> {
  return trx.selectFrom('spaces').selectAll().where('guid', '=', app.space_guid).executeTakeFirstOrThrow()
}

/** All routes are there before the first is mapped. */
async function mapRoutes(
  trx: Trx,
  acting: RouteActing,
  app: Row<'apps'>,
  routes: readonly ManifestRoute[],
): Promise<string[]> {
  const space = await spaceOf(trx, app)
  const found: Array<{ route: ManifestRoute; guid: string }> = []
  for (const route of routes) found.push({ route, guid: await findOrCreateRoute(trx, acting, space, route) })
  const changed: string[] = []
  for (const { route, guid } of found)
    changed.push(...(await forRoute(route, () => mapRoute(trx, acting, app, { ...route, guid }))))
  return changed
}

const forRoute = <T>({ text }: ManifestRoute, work: () => Promise<T>): Promise<T> =>
  withFaultContext(`For route '${text}': `, work)

async function findOrCreateRoute(
  trx: Trx,
  acting: RouteActing,
  space: Row<'spaces'>,
  wanted: ManifestRoute,
): Promise<string> {
  const place = await findDomainForRouteUrl(trx, wanted.urlHost)
  if (!place) throw unprocessable(`No domains exist for route ${wanted.text}`)
  const { path, port } = wanted
  const route = await findRouteByAddress(trx, { ...place, path, port })
  if (!route) return createMissingRoute(trx, acting, space, wanted, place)
  if (!(await isRouteAvailableInSpace(trx, route, space.guid)))
    throw unprocessable('Routes cannot be mapped to destinations in different spaces')
  const { options } = wanted
  if (options && Object.keys(options).length > 0)
    await forRoute(wanted, () => updateRoute(trx, route.guid, { options }))
  return route.guid
}

async function createMissingRoute(
  trx: Trx,
  acting: RouteActing,
  space: Row<'spaces'>,
  wanted: ManifestRoute,
  { host, domain }: HostAndDomain,
): Promise<string> {
  const { path, port, options } = wanted
  await requireFeatureOfEveryone(trx, 'route_creation')
  if (host === '*' && domain.owning_organization_guid === null) throw notAuthorized()
  return forRoute(wanted, () => {
    requireFormat(host, path)
    const request = { host, path, port, options: options ?? {} }
    return createRoute(trx, acting, { host, path, port, domain, space, options, request })
  })
}

/** What a route's own message would have refused (cloud_controller_ng app/models/runtime/route.rb). */
function requireFormat(host: string, path: string): void {
  if (host !== '' && !hostFormat.test(host)) throw unprocessable('Host format is invalid.')
  if (host.length > maximumHostLength) throw unprocessable(`host must be no more than ${maximumHostLength} characters`)
  if (path.length > maximumPathLength) throw unprocessable(`Path exceeds ${maximumPathLength} characters.`)
  if (path === '/') throw unprocessable("Path cannot be a single '/'.")
}

async function mapRoute(
  trx: Trx,
  acting: RouteActing,
  app: Row<'apps'>,
  { guid, protocol }: ManifestRoute & { guid: string },
): Promise<string[]> {
  const message = { appGuid: app.guid, processType: defaultProcessType, port: null, weight: null, protocol }
  const present = await trx
    .selectFrom('route_destinations')
    .selectAll()
    .where('route_guid', '=', guid)
    .where('app_guid', '=', app.guid)
    .orderBy('id')
    .executeTakeFirst()
  if (!present) return insertDestinations(trx, acting, guid, [message])
  const isSame = protocol === null || protocol === destinationProtocol(present, await lockRoute(trx, guid))
  return isSame ? [] : replaceDestinations(trx, acting, guid, [message])
}

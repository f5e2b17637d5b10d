import { type SqlBool, sql } from 'kysely'
import type { Db, Row, Trx } from '../db/schema.ts'
import { apiError, unprocessable } from '../errors/api-error.ts'
import { exceeds, lockLimitsOfSpace } from './binding-quotas.ts'
import { findDomainByName } from './domain-lookup.ts'

export interface RouteAddress {
  readonly host: string
  readonly path: string
  readonly port: number | null
  readonly domain: Row<'domains'>
}

const maximumFullNameLength = 253
const uriPath = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/

/**
 * Throws the first thing that forbids a new route with this address in the space, in CC's order and words.
 * Source: cloud_controller_ng app/models/runtime/route.rb, app/actions/route_create.rb.
 */
export async function requireCreatableRoute(trx: Trx, address: RouteAddress, space: Row<'spaces'>): Promise<void> {
  const { domain } = address
  // Router groups belong to the routing API, and there is none: what CC answers where it is switched off.
  if (domain.router_group_guid !== null) throw apiError('ServiceUnavailable', 'The Routing API is disabled.')
  await requireUsableDomain(trx, domain, space.organization_guid)
  await requireRoomForRoute(trx, space.guid)
  await requireValidHost(trx, address)
  if (address.path === '') await requireFreeAddress(trx, address)
  requireValidPath(address)
  await requireFreeAddress(trx, address)
  if (address.port) throw unprocessable("Routes with protocol 'http' do not support ports.")
  await requireHostOfOneSpace(trx, address, space.guid)
}

/** Reserved ports are no matter as long as there are no TCP routes. */
async function requireRoomForRoute(trx: Trx, spaceGuid: string): Promise<void> {
  const { space, organization } = await lockLimitsOfSpace(trx, spaceGuid)
  const routes = trx
    .selectFrom('routes')
    .innerJoin('spaces', 'spaces.guid', 'routes.space_guid')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('spaces.organization_guid', '=', organization.guid)
  const inSpace = await routes.where('spaces.guid', '=', spaceGuid).executeTakeFirstOrThrow()
  if (exceeds(Number(inSpace.count) + 1, space.limits.total_routes))
    throw unprocessable(`Routes quota exceeded for space '${space.name}'.`)
  const inOrganization = await routes.executeTakeFirstOrThrow()
  if (exceeds(Number(inOrganization.count) + 1, organization.limits.total_routes))
    throw unprocessable(`Routes quota exceeded for organization '${organization.name}'.`)
}

async function requireUsableDomain(trx: Trx, domain: Row<'domains'>, organizationGuid: string): Promise<void> {
  if (await isDomainUsableBy(trx, domain, organizationGuid)) return
  const organization = await trx
    .selectFrom('organizations')
    .select('name')
    .where('guid', '=', organizationGuid)
    .executeTakeFirstOrThrow()
  throw unprocessable(
    `Invalid domain. Domain '${domain.name}' is not available in organization '${organization.name}'.`,
  )
}

/** Whether the organization may have routes in the domain: it is shared, its own, or shared with it. */
export async function isDomainUsableBy(
  db: Db,
  domain: Pick<Row<'domains'>, 'guid' | 'owning_organization_guid'>,
  organizationGuid: string,
): Promise<boolean> {
  if (domain.owning_organization_guid === null || domain.owning_organization_guid === organizationGuid) return true
  const sharing = await db
    .selectFrom('domain_shared_organizations')
    .select('domain_guid')
    .where('domain_guid', '=', domain.guid)
    .where('organization_guid', '=', organizationGuid)
    .executeTakeFirst()
  return sharing !== undefined
}

async function requireValidHost(trx: Trx, { host, domain }: RouteAddress): Promise<void> {
  const fullName = host === '' ? domain.name : `${host}.${domain.name}`
  if (host !== '' && (await findDomainByName(trx, fullName)))
    throw unprocessable(`Route conflicts with domain '${fullName}'.`)
  if (domain.internal && host === '*') throw unprocessable('Wildcard hosts are not supported for internal domains.')
  if (domain.owning_organization_guid === null && host === '')
    throw unprocessable('Missing host. Routes in shared domains must have a host defined.')
  if (fullName.length > maximumFullNameLength)
    throw unprocessable(`Host combined with domain name must be no more than ${maximumFullNameLength} characters.`)
}

function requireValidPath({ path, domain }: RouteAddress): void {
  if (path === '') return
  if (domain.internal) throw unprocessable('Paths are not supported for internal domains.')
  if (!uriPath.test(path)) throw unprocessable('Path is invalid.')
}

async function requireFreeAddress(trx: Trx, address: RouteAddress): Promise<void> {
  if (await findRouteByAddress(trx, address)) throw routeExists(address)
}

/** What a taken address is answered with; the CLI matches "Route already exists". */
export function routeExists({ host, path, domain }: RouteAddress): Error {
  const parts = [...(host === '' ? [] : [`host '${host}'`]), ...(path === '' ? [] : [`path '${path}'`])]
  const which = parts.length === 0 ? '' : ` with ${parts.join(' and ')}`
  return unprocessable(`Route already exists${which} for domain '${domain.name}'.`)
}

/** The route with this address, whatever the letter case of host and path. */
export async function findRouteByAddress(
  db: Db,
  { host, path, port, domain }: RouteAddress,
): Promise<Row<'routes'> | undefined> {
  return db
    .selectFrom('routes')
    .selectAll()
    .where('domain_guid', '=', domain.guid)
    .where(sql<SqlBool>`lower(host) = lower(${host})`)
    .where(sql<SqlBool>`lower(path) = lower(${path})`)
    .where(sql<SqlBool>`coalesce(port, 0) = ${port ?? 0}`)
    .executeTakeFirst()
}

/**
 * On a shared domain all routes with one host live in one space, so that nobody can take paths of another's site. Throws 422
 * with CC's raw text. `besides` is left out of account: a route that is about to move.
 */
export async function requireHostOfOneSpace(
  trx: Trx,
  { host, domain }: Pick<RouteAddress, 'host' | 'domain'>,
  spaceGuid: string,
  besides = '',
): Promise<void> {
  if (domain.owning_organization_guid !== null) return
  const elsewhere = await trx
    .selectFrom('routes')
    .select('guid')
    .where('domain_guid', '=', domain.guid)
    .where(sql<SqlBool>`lower(host) = lower(${host})`)
    .where('port', 'is', null)
    .where('space_guid', '!=', spaceGuid)
    .where('guid', '!=', besides)
    .limit(1)
    .executeTakeFirst()
  if (elsewhere) throw unprocessable('domain_id and host host_and_domain_taken_different_space')
}

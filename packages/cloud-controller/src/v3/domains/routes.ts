import type { Context } from 'hono'
import { Hono } from 'hono'
import { findDefaultDomain } from '../../actions/default-domain.ts'
import { createDomain, shareDomain, unshareDomain } from '../../actions/domains.ts'
import { requireFeature } from '../../actions/feature-flags.ts'
import { apiError, notFound, unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { canReadOrganization, requireAdmin, requireWritableOrganization } from '../../permissions/guards.ts'
import { domainOrganizationGuidsReadBy } from '../../permissions/read-by.ts'
import { acceptJob } from '../kit/accepted.ts'
import { body, jsonObject, validated } from '../kit/body.ts'
import { saveMetadata } from '../kit/metadata.ts'
import { presented } from '../kit/present.ts'
import { listValue, parseQueryString } from '../kit/query-string.ts'
import { find, list, reread, show } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { withPorts } from '../routes/resource.ts'
import { DomainCreate, DomainShare, DomainUpdate } from './messages.ts'
import { domains, sharedOrganizations } from './resource.ts'
import { organizationsToShareWith, organizationWithGuid, requireUnshareable, requireWritableDomain } from './sharing.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/domains_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/domains', (c) => list(c, domains))
routes.get('/v3/domains/:guid', (c) => show(c, domains))

routes.post('/v3/domains', async (c) => {
  const { db, caller } = c.var
  const message = await body(c, DomainCreate)
  const owner = message.relationships
    ? await writableOwner(c, message.relationships.organization?.data.guid)
    : undefined
  if (!owner) requireAdmin(caller)
  const shareWith = message.relationships?.shared_organizations?.data.map(({ guid }) => guid) ?? []
  const sharedOrganizationGuids = owner ? await organizationsToShareWith(db, caller, shareWith, owner.guid) : []
  // Router groups belong to the routing API, and there is none: what CC answers where it is switched off.
  if (message.router_group?.guid) throw apiError('ServiceUnavailable', 'The Routing API is disabled.')
  const guid = await db.transaction().execute((trx) =>
    createDomain(trx, {
      name: message.name,
      internal: message.internal ?? false,
      owner,
      sharedOrganizationGuids,
      metadata: message.metadata,
    }),
  )
  return c.json(await presented(c, domains, await reread(c, domains, guid)), 201)
})

async function writableOwner(c: Context<WorkerEnv>, guid = '') {
  const { db, caller } = c.var
  const organization = await organizationWithGuid(db, guid)
  if (!organization) throw organizationMissing(guid)
  await requireWritableOrganization(db, caller, organization)
  await requireFeature(db, caller, 'private_domain_creation')
  return organization
}

const organizationMissing = (guid: string): Error =>
  unprocessable(`Organization with guid '${guid}' does not exist or you do not have access to it.`)

routes.patch('/v3/domains/:guid', async (c) => {
  const { db, caller } = c.var
  const message = await body(c, DomainUpdate) // 422 before 404: CC parses before it looks up
  const domain = await find(c, domains)
  await requireWritableDomain(db, caller, domain)
  await db.transaction().execute((trx) => saveMetadata(trx, { type: 'domain', guid: domain.guid }, message.metadata))
  return c.json(await presented(c, domains, await reread(c, domains, domain.guid)))
})

routes.delete('/v3/domains/:guid', async (c) => {
  const { db, caller } = c.var
  const domain = await find(c, domains)
  await requireWritableDomain(db, caller, domain)
  const sharing = await db
    .selectFrom('domain_shared_organizations')
    .select('organization_guid')
    .where('domain_guid', '=', domain.guid)
    .limit(1)
    .executeTakeFirst()
  if (sharing) throw unprocessable('This domain is shared with other organizations. Unshare before deleting.')
  return acceptJob(c, { operation: 'domain.delete', resource: { type: 'domain', guid: domain.guid } })
})

routes.post('/v3/domains/:guid/relationships/shared_organizations', async (c) => {
  const { db, caller } = c.var
  const data = validated((await jsonObject(c)).data, DomainShare) // CC reads `data` alone
  const domain = await find(c, domains)
  await requireWritableDomain(db, caller, domain)
  const requested = data.map(({ guid }) => guid)
  const guids = await organizationsToShareWith(db, caller, requested, domain.owning_organization_guid)
  if (domain.owning_organization_guid === null)
    throw unprocessable('Domains cannot be shared with other organizations unless they are scoped to an organization.')
  await db.transaction().execute((trx) => shareDomain(trx, domain.guid, guids))
  const shared = await sharedOrganizations(db, [domain.guid], caller)
  return c.json({ data: shared.get(domain.guid) ?? [] })
})

routes.delete('/v3/domains/:guid/relationships/shared_organizations/:org_guid', async (c) => {
  const { db, caller } = c.var
  const domain = await find(c, domains)
  const organizationGuid = c.req.param('org_guid')
  const organization = await organizationWithGuid(db, organizationGuid)
  if (!organization) throw organizationMissing(organizationGuid)
  await requireUnshareable(db, caller, domain, organization)
  // Who manages only the owner may not see the other organization.
  if (!(await canReadOrganization(db, caller, organizationGuid))) throw organizationMissing(organizationGuid)
  await db.transaction().execute((trx) => unshareDomain(trx, domain, organization))
  return c.body(null, 204)
})

routes.get('/v3/domains/:guid/route_reservations', async (c) => {
  const domain = await find(c, domains)
  const { values } = parseQueryString(c.req.url)
  const matching = await withPorts(
    c.var.db
      .selectFrom('routes')
      .select('routes.guid')
      .where('routes.domain_guid', '=', domain.guid)
      .where((eb) => eb(eb.fn<string>('lower', ['routes.host']), 'in', lowered(values.get('host'))))
      .where((eb) => eb(eb.fn<string>('lower', ['routes.path']), 'in', lowered(values.get('path')))),
    listValue(values.get('port') ?? '0'),
  )
    .limit(1)
    .executeTakeFirst()
  return c.json({ matching_route: matching !== undefined })
})

const lowered = (text = ''): string[] => listValue(text).map((value) => value.toLowerCase())

routes.get('/v3/organizations/:guid/domains', async (c) => {
  const { db, caller } = c.var
  const organization = await find(c, organizations)
  // A bare user or billing manager sees only the shared domains.
  const readable = db
    .selectFrom('organizations')
    .select('organizations.guid')
    .where('organizations.guid', '=', organization.guid)
    .$if(!caller.readsGlobally, (query) =>
      query.where('organizations.guid', 'in', domainOrganizationGuidsReadBy(db, caller)),
    )
  return list(c, domains, {
    where: (query) =>
      query.where((eb) =>
        eb.or([
          eb('domains.owning_organization_guid', 'is', null),
          eb('domains.owning_organization_guid', 'in', readable),
          eb(
            'domains.guid',
            'in',
            eb
              .selectFrom('domain_shared_organizations')
              .select('domain_shared_organizations.domain_guid')
              .where('domain_shared_organizations.organization_guid', 'in', readable),
          ),
        ]),
      ),
  })
})

routes.get('/v3/organizations/:guid/domains/default', async (c) => {
  const organization = await find(c, organizations)
  const domain = await findDefaultDomain(c.var.db, organization.guid)
  if (!domain) throw notFound('Domain')
  return c.json(await presented(c, domains, await find(c, domains, domain.guid)))
})

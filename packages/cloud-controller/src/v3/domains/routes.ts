import { Hono } from 'hono'
import { z } from 'zod'
import { findDefaultDomain } from '../../actions/default-domain.ts'
import { createDomain, shareDomain, unshareDomain } from '../../actions/domains.ts'
import { requireFeature } from '../../actions/feature-flags.ts'
import { apiError, notFound, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { canReadOrganization, requireAdmin, requireWritableOrganization } from '../../permissions/guards.ts'
import { domainOrganizationGuidsReadBy } from '../../permissions/read-by.ts'
import { many } from '../kit/answer-fields.ts'
import { saveMetadata } from '../kit/metadata.ts'
import { answers, answersJob, answersNothing, answersWith, lists, reads, shows, takes } from '../kit/operation.ts'
import { listParameter } from '../kit/query-parameters.ts'
import { listValue, parseQueryString } from '../kit/query-string.ts'
import { find } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { withPorts } from '../routes/resource.ts'
import { DomainCreate, DomainShare, DomainUpdate } from './messages.ts'
import { domains, sharedOrganizations } from './resource.ts'
import { organizationsToShareWith, organizationWithGuid, requireUnshareable, requireWritableDomain } from './sharing.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/domains_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/domains', lists(domains))
routes.get('/v3/domains/:guid', shows(domains))

routes.post('/v3/domains', takes(DomainCreate), answers(201, domains), async (c) => {
  const { db, caller } = c.var
  const message = await c.var.message()
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
  return c.var.answer(guid)
})

async function writableOwner(c: RequestContext, guid = '') {
  const { db, caller } = c.var
  const organization = await organizationWithGuid(db, guid)
  if (!organization) throw organizationMissing(guid)
  await requireWritableOrganization(db, caller, organization)
  await requireFeature(db, caller, 'private_domain_creation')
  return organization
}

const organizationMissing = (guid: string): Error =>
  unprocessable(`Organization with guid '${guid}' does not exist or you do not have access to it.`)

routes.patch('/v3/domains/:guid', takes(DomainUpdate), answers(200, domains), async (c) => {
  const { db, caller } = c.var
  const message = await c.var.message() // 422 before 404: CC parses before it looks up
  const domain = await find(c, domains)
  await requireWritableDomain(db, caller, domain)
  await db.transaction().execute((trx) => saveMetadata(trx, { type: 'domain', guid: domain.guid }, message.metadata))
  return c.var.answer(domain.guid)
})

routes.delete('/v3/domains/:guid', answersJob(), async (c) => {
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
  return c.var.answer({ operation: 'domain.delete', resource: { type: 'domain', guid: domain.guid } })
})

routes.post(
  '/v3/domains/:guid/relationships/shared_organizations',
  takes(DomainShare),
  answersWith(200, many),
  async (c) => {
    const { db, caller } = c.var
    const { data } = await c.var.message()
    const domain = await find(c, domains)
    await requireWritableDomain(db, caller, domain)
    const requested = data.map(({ guid }) => guid)
    const guids = await organizationsToShareWith(db, caller, requested, domain.owning_organization_guid)
    if (domain.owning_organization_guid === null)
      throw unprocessable(
        'Domains cannot be shared with other organizations unless they are scoped to an organization.',
      )
    await db.transaction().execute((trx) => shareDomain(trx, domain.guid, guids))
    const shared = await sharedOrganizations(db, [domain.guid], caller)
    return c.var.answer({ data: shared.get(domain.guid) ?? [] })
  },
)

routes.delete('/v3/domains/:guid/relationships/shared_organizations/:org_guid', answersNothing(), async (c) => {
  const { db, caller } = c.var
  const domain = await find(c, domains)
  const organizationGuid = c.req.param('org_guid')
  const organization = await organizationWithGuid(db, organizationGuid)
  if (!organization) throw organizationMissing(organizationGuid)
  await requireUnshareable(db, caller, domain, organization)
  // Who manages only the owner may not see the other organization.
  if (!(await canReadOrganization(db, caller, organizationGuid))) throw organizationMissing(organizationGuid)
  await db.transaction().execute((trx) => unshareDomain(trx, domain, organization))
  return c.var.answer()
})

const reservation = [listParameter('host'), listParameter('path'), listParameter('port')]
const Reservation = z.object({ matching_route: z.boolean() })

routes.get('/v3/domains/:guid/route_reservations', reads(...reservation), answersWith(200, Reservation), async (c) => {
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
  return c.var.answer({ matching_route: matching !== undefined })
})

const lowered = (text = ''): string[] => listValue(text).map((value) => value.toLowerCase())

routes.get(
  '/v3/organizations/:guid/domains',
  lists(domains, {
    perRequest: async (c) => {
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
      return {
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
      }
    },
  }),
)

routes.get('/v3/organizations/:guid/domains/default', answers(200, domains), async (c) => {
  const organization = await find(c, organizations)
  const domain = await findDefaultDomain(c.var.db, organization.guid)
  if (!domain) throw notFound('Domain')
  return c.var.answer(await find(c, domains, domain.guid))
})

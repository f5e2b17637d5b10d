import { sql } from 'kysely'
import { z } from 'zod'
import type { Db, Row } from '../../db/schema.ts'
import type { Caller } from '../../permissions/caller.ts'
import { domainOrganizationGuidsReadBy, organizationGuidsReadBy } from '../../permissions/read-by.ts'
import { many, oneOrNone, reference } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

export const domains = resource({
  singular: 'Domain',
  type: 'domain',
  path: '/v3/domains',
  table: 'domains',
  hasMetadata: true,
  fields: () =>
    z.object({
      name: z.string(),
      internal: z.boolean(),
      router_group: reference.nullable(),
      supported_protocols: z.array(z.enum(['http', 'tcp'])),
      relationships: z.object({ organization: oneOrNone, shared_organizations: many }),
    }),
  select: (db) => db.selectFrom('domains').selectAll('domains'),
  /** Shared domains are everybody's. */
  readableBy: (query, caller, db) => {
    if (caller.readsGlobally) return query
    const organizations = domainOrganizationGuidsReadBy(db, caller)
    return query.where((eb) =>
      eb.or([
        eb('domains.owning_organization_guid', 'is', null),
        eb('domains.owning_organization_guid', 'in', organizations),
        eb(
          'domains.guid',
          'in',
          eb
            .selectFrom('domain_shared_organizations')
            .select('domain_shared_organizations.domain_guid')
            .where('domain_shared_organizations.organization_guid', 'in', organizations),
        ),
      ]),
    )
  },
  filters: {
    names: (query, names) =>
      query.where(
        sql<string>`lower(domains.name)`,
        'in',
        names.map((name) => name.toLowerCase()),
      ),
    organization_guids: (query, guids) => query.where('domains.owning_organization_guid', 'in', guids),
  },
  load: (db, rows, { caller }) =>
    sharedOrganizations(
      db,
      rows.map((row) => row.guid),
      caller,
    ),
  present: (domain, shared) => ({
    fields: {
      name: domain.name,
      internal: domain.internal === 1,
      router_group: domain.router_group_guid ? { guid: domain.router_group_guid } : null,
      supported_protocols: [protocolOf(domain)],
      relationships: {
        organization: {
          data: domain.owning_organization_guid ? { guid: domain.owning_organization_guid } : null,
        },
        shared_organizations: { data: shared.get(domain.guid) ?? [] },
      },
    },
    links: {
      route_reservations: `/v3/domains/${domain.guid}/route_reservations`,
      organization: domain.owning_organization_guid && `/v3/organizations/${domain.owning_organization_guid}`,
      shared_organizations:
        domain.owning_organization_guid && `/v3/domains/${domain.guid}/relationships/shared_organizations`,
    },
  }),
})

/** Routes of a domain with a router group are TCP routes. */
export function protocolOf(domain: Pick<Row<'domains'>, 'router_group_guid'>): 'http' | 'tcp' {
  return domain.router_group_guid === null ? 'http' : 'tcp'
}

/** The organizations that the domains are shared with, as far as the caller sees them; one statement. */
export async function sharedOrganizations(
  db: Db,
  domainGuids: readonly string[],
  caller: Caller,
): Promise<ReadonlyMap<string, Array<{ guid: string }>>> {
  const rows = await db
    .selectFrom('domain_shared_organizations')
    .select(['domain_guid', 'organization_guid'])
    .where('domain_guid', 'in', domainGuids)
    .$if(!caller.readsGlobally, (query) => query.where('organization_guid', 'in', organizationGuidsReadBy(db, caller)))
    .orderBy('organization_guid')
    .execute()
  const byDomain = new Map<string, Array<{ guid: string }>>()
  for (const { domain_guid, organization_guid } of rows)
    byDomain.set(domain_guid, [...(byDomain.get(domain_guid) ?? []), { guid: organization_guid }])
  return byDomain
}

import { z } from 'zod'
import { organizationGuidsReadBy } from '../../permissions/read-by.ts'
import { one } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

export const organizations = resource({
  singular: 'Organization',
  type: 'organization',
  path: '/v3/organizations',
  table: 'organizations',
  hasMetadata: true,
  fields: () =>
    z.object({
      name: z.string(),
      suspended: z.boolean(),
      relationships: z.object({ quota: one }),
    }),
  select: (db) => db.selectFrom('organizations').selectAll('organizations'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('organizations.guid', 'in', organizationGuidsReadBy(db, caller)),
  filters: { names: (query, names) => query.where('organizations.name', 'in', names) },
  orderBy: { name: 'organizations.name' },
  present: (organization) => ({
    fields: {
      name: organization.name,
      suspended: organization.status === 'suspended',
      relationships: { quota: { data: { guid: organization.quota_guid } } },
    },
    links: {
      domains: `/v3/organizations/${organization.guid}/domains`,
      default_domain: `/v3/organizations/${organization.guid}/domains/default`,
      quota: `/v3/organization_quotas/${organization.quota_guid}`,
    },
  }),
})

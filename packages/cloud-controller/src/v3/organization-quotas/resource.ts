import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { organizationGuidsReadBy } from '../../permissions/read-by.ts'
import { many, whole } from '../kit/answer-fields.ts'
import { limits, quotaLimits } from '../kit/quota-limits.ts'
import { relatedGuids } from '../kit/related-guids.ts'
import { resource } from '../kit/resource.ts'

/** Everybody sees all quotas, but only of the caller's organizations which quota they have. */
export const organizationQuotas = resource({
  singular: 'Organization quota',
  type: 'organization_quota',
  path: '/v3/organization_quotas',
  table: 'organization_quotas',
  hasMetadata: false,
  fields: () =>
    z.object({
      name: z.string(),
      ...limits,
      domains: z.object({ total_domains: whole.nullable() }),
      relationships: z.object({ organizations: many }),
    }),
  select: (db: Db) => db.selectFrom('organization_quotas').selectAll('organization_quotas'),
  readableBy: (query) => query,
  filters: {
    names: (query, names) => query.where('organization_quotas.name', 'in', names),
    organization_guids: (query, guids, db, caller) => {
      const named = db
        .selectFrom('organizations')
        .select('organizations.quota_guid')
        .where('organizations.guid', 'in', guids)
      const readable = caller.readsGlobally
        ? named
        : named.where('organizations.guid', 'in', organizationGuidsReadBy(db, caller))
      return query.where('organization_quotas.guid', 'in', readable)
    },
  },
  load: async (db, quotas, { caller }) => {
    const organizations = db
      .selectFrom('organizations')
      .select(['guid', 'quota_guid as owner'])
      .where(
        'quota_guid',
        'in',
        quotas.map(({ guid }) => guid),
      )
      .orderBy('id')
    const visible = caller.readsGlobally
      ? organizations
      : organizations.where('guid', 'in', organizationGuidsReadBy(db, caller))
    return relatedGuids(await visible.execute())
  },
  present: (quota, organizations) => ({
    fields: {
      name: quota.name,
      ...quotaLimits(quota),
      domains: { total_domains: quota.total_domains },
      relationships: { organizations: { data: organizations.get(quota.guid) ?? [] } },
    },
  }),
})

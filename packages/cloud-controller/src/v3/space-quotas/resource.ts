import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { organizationGuidsReadBy, spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { many, one } from '../kit/answer-fields.ts'
import { limits, quotaLimits } from '../kit/quota-limits.ts'
import { relatedGuids } from '../kit/related-guids.ts'
import { resource } from '../kit/resource.ts'

/** Seen by managers of its organization, and by who has a role in a space that it is applied to. */
export const spaceQuotas = resource({
  singular: 'Space quota',
  type: 'space_quota',
  path: '/v3/space_quotas',
  table: 'space_quotas',
  hasMetadata: false,
  fields: () =>
    z.object({
      name: z.string(),
      ...limits,
      relationships: z.object({ organization: one, spaces: many }),
    }),
  select: (db: Db) => db.selectFrom('space_quotas').selectAll('space_quotas'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally
      ? query
      : query.where((eb) =>
          eb.or([
            eb('space_quotas.organization_guid', 'in', organizationGuidsReadBy(db, caller, ['organization_manager'])),
            eb(
              'space_quotas.guid',
              'in',
              db
                .selectFrom('spaces')
                .select('spaces.quota_guid')
                .where('spaces.quota_guid', 'is not', null)
                .where('spaces.guid', 'in', spaceGuidsReadBy(db, caller, { inOrganization: [] })),
            ),
          ]),
        ),
  filters: {
    names: (query, names) => query.where('space_quotas.name', 'in', names),
    organization_guids: (query, guids) => query.where('space_quotas.organization_guid', 'in', guids),
    space_guids: (query, guids, db) =>
      query.where(
        'space_quotas.guid',
        'in',
        db.selectFrom('spaces').select('spaces.quota_guid').where('spaces.guid', 'in', guids),
      ),
  },
  load: async (db, quotas, { caller }) => {
    const spaces = db
      .selectFrom('spaces')
      .select(['guid', 'quota_guid as owner'])
      .where(
        'quota_guid',
        'in',
        quotas.map(({ guid }) => guid),
      )
      .orderBy('id')
    const visible = caller.readsGlobally ? spaces : spaces.where('guid', 'in', spaceGuidsReadBy(db, caller))
    return relatedGuids(await visible.execute())
  },
  present: (quota, spaces) => ({
    fields: {
      name: quota.name,
      ...quotaLimits(quota),
      relationships: {
        organization: { data: { guid: quota.organization_guid } },
        spaces: { data: spaces.get(quota.guid) ?? [] },
      },
    },
    links: { organization: `/v3/organizations/${quota.organization_guid}` },
  }),
})

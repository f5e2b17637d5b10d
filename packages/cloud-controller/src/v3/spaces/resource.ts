import { z } from 'zod'
import type { Db, Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { one, oneOrNone } from '../kit/answer-fields.ts'
import { includedRows } from '../kit/included.ts'
import { type Included, resource, type View } from '../kit/resource.ts'
import { organizations } from '../organizations/resource.ts'

export const spaces = resource({
  singular: 'Space',
  type: 'space',
  path: '/v3/spaces',
  table: 'spaces',
  hasMetadata: true,
  fields: () =>
    z.object({
      name: z.string(),
      suspended: z.boolean(),
      relationships: z.object({ organization: one, quota: oneOrNone }),
    }),
  select: (db: Db) => db.selectFrom('spaces').selectAll('spaces'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('spaces.guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    names: (query, names) => query.where('spaces.name', 'in', names),
    organization_guids: (query, guids) => query.where('spaces.organization_guid', 'in', guids),
  },
  orderBy: { name: 'spaces.name' },
  include: { org: includedOrganizations, organization: includedOrganizations },
  present: (space) => ({
    fields: {
      name: space.name,
      suspended: space.status === 'suspended',
      relationships: {
        organization: { data: { guid: space.organization_guid } },
        quota: { data: space.quota_guid === null ? null : { guid: space.quota_guid } },
      },
    },
    links: {
      organization: `/v3/organizations/${space.organization_guid}`,
      features: `/v3/spaces/${space.guid}/features`,
      apply_manifest: { path: `/v3/spaces/${space.guid}/actions/apply_manifest`, method: 'POST' },
      quota: space.quota_guid === null ? null : `/v3/space_quotas/${space.quota_guid}`,
    },
  }),
})

function includedOrganizations(db: Db, rows: ReadonlyArray<Row<'spaces'>>, view: View): Promise<Included> {
  return includedRows(db, organizations, {
    key: 'organizations',
    guids: rows.map((space) => space.organization_guid),
    view,
  })
}

import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { organizationGuidsReadBy } from '../../permissions/read-by.ts'
import { resource } from '../kit/resource.ts'

/** Seen by who has a role in an organization that is entitled to it. */
export const isolationSegments = resource({
  singular: 'Isolation segment',
  type: 'isolation_segment',
  path: '/v3/isolation_segments',
  table: 'isolation_segments',
  hasMetadata: true,
  fields: () => z.object({ name: z.string() }),
  select: (db: Db) => db.selectFrom('isolation_segments').selectAll('isolation_segments'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally
      ? query
      : query.where('isolation_segments.guid', 'in', entitledTo(db, organizationGuidsReadBy(db, caller))),
  filters: {
    names: (query, names) => query.where('isolation_segments.name', 'in', names),
    organization_guids: (query, guids, db) => query.where('isolation_segments.guid', 'in', entitledTo(db, guids)),
  },
  orderBy: { name: 'isolation_segments.name' },
  present: (segment) => ({
    fields: { name: segment.name },
    links: { organizations: `/v3/isolation_segments/${segment.guid}/organizations` },
  }),
})

function entitledTo(db: Db, organizationGuids: string[] | ReturnType<typeof organizationGuidsReadBy>) {
  return db
    .selectFrom('isolation_segment_organizations')
    .select('isolation_segment_organizations.isolation_segment_guid')
    .where('isolation_segment_organizations.organization_guid', 'in', organizationGuids)
}

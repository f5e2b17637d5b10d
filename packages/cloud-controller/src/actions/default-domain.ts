import type { Db, Row } from '../db/schema.ts'

/**
 * The domain for routes of an organization that name none: the oldest shared one that is neither internal nor for TCP, else
 * the oldest private one that it may use. Source: cloud_controller_ng app/models/runtime/organization.rb.
 */
export async function findDefaultDomain(db: Db, organizationGuid: string): Promise<Row<'domains'> | undefined> {
  return db
    .selectFrom('domains')
    .selectAll('domains')
    .where((eb) =>
      eb.or([
        eb.and([
          eb('owning_organization_guid', 'is', null),
          eb('internal', '=', 0),
          eb('router_group_guid', 'is', null),
        ]),
        eb('owning_organization_guid', '=', organizationGuid),
        eb(
          'guid',
          'in',
          eb
            .selectFrom('domain_shared_organizations')
            .select('domain_guid')
            .where('organization_guid', '=', organizationGuid),
        ),
      ]),
    )
    .orderBy((eb) => eb.case().when('owning_organization_guid', 'is', null).then(0).else(1).end())
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

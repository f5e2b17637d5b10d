import type { Db, Row } from '../../db/schema.ts'
import { organizationGuidsReadBy, spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { type FieldSelection, selectedFields } from '../kit/field-selection.ts'
import type { Included, View } from '../kit/resource.ts'

/** What can be asked for beside a service instance (cloud_controller_ng app/messages/service_instance_show_message.rb). */
export const showFields = {
  space: ['guid', 'name'],
  'space.organization': ['guid', 'name'],
  service_plan: ['guid', 'name'],
  'service_plan.service_offering': ['guid', 'name', 'description', 'tags', 'documentation_url'],
  'service_plan.service_offering.service_broker': ['guid', 'name'],
} as const

/** Beside a list (app/messages/service_instances_list_message.rb). */
export const listFields = {
  ...showFields,
  space: ['guid', 'name', 'relationships.organization'],
  service_plan: ['guid', 'name', 'relationships.service_offering'],
  'service_plan.service_offering': [
    'guid',
    'name',
    'description',
    'documentation_url',
    'tags',
    'relationships.service_broker',
  ],
} as const

/** Only managed instances have these, and there are none before there are brokers. */
const ofBrokers = {
  service_plan: 'service_plans',
  'service_plan.service_offering': 'service_offerings',
  'service_plan.service_offering.service_broker': 'service_brokers',
} as const

/** The parts of `included` that were asked for. Of a parent that the caller does not see it learns no name. */
export async function includedFields(
  db: Db,
  rows: ReadonlyArray<Pick<Row<'service_instances'>, 'space_guid'>>,
  selection: FieldSelection,
  view: View,
): Promise<Included[]> {
  const spaceGuids = [...new Set(rows.map((row) => row.space_guid))]
  const parts: Included[] = []
  for (const [resource, keys] of selection) {
    if (resource === 'space') parts.push({ key: 'spaces', resources: await slimSpaces(db, spaceGuids, keys, view) })
    else if (resource === 'space.organization')
      parts.push({ key: 'organizations', resources: await slimOrganizations(db, spaceGuids, keys, view) })
    else parts.push({ key: ofBrokers[resource as keyof typeof ofBrokers], resources: [] })
  }
  return parts
}

async function slimSpaces(db: Db, guids: readonly string[], keys: readonly string[], { caller }: View) {
  if (guids.length === 0) return []
  const rows = await db
    .selectFrom('spaces')
    .select((eb) => [
      'guid',
      'name',
      'organization_guid',
      eb('guid', 'in', spaceGuidsReadBy(db, caller)).as('is_readable'),
    ])
    .where('guid', 'in', guids)
    .orderBy('id')
    .execute()
  return rows.map(({ guid, name, organization_guid, is_readable }) =>
    selectedFields(keys, {
      guid,
      name: caller.readsGlobally || is_readable ? name : undefined,
      'relationships.organization': { data: { guid: organization_guid } },
    }),
  )
}

async function slimOrganizations(db: Db, spaceGuids: readonly string[], keys: readonly string[], { caller }: View) {
  if (spaceGuids.length === 0) return []
  const rows = await db
    .selectFrom('organizations')
    .select((eb) => ['guid', 'name', eb('guid', 'in', organizationGuidsReadBy(db, caller)).as('is_readable')])
    .where('guid', 'in', db.selectFrom('spaces').select('spaces.organization_guid').where('guid', 'in', spaceGuids))
    .orderBy('id')
    .execute()
  return rows.map(({ guid, name, is_readable }) =>
    selectedFields(keys, { guid, name: caller.readsGlobally || is_readable ? name : undefined }),
  )
}

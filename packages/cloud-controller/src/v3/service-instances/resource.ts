import { sql } from 'kysely'
import { z } from 'zod'
import type { Db, Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { one } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'
import { quoted } from '../kit/words.ts'

type InstanceType = Row<'service_instances'>['type']
const types: readonly InstanceType[] = ['managed', 'user-provided']

/** Service instances, as far as they can be without brokers: plans and what a broker says come with those. */
export const serviceInstances = resource({
  singular: 'Service instance',
  type: 'service_instance',
  path: '/v3/service_instances',
  table: 'service_instances',
  hasMetadata: true,
  fields: () =>
    z.object({
      name: z.string(),
      tags: z.array(z.string()),
      /** Empty: nothing operates on instances yet. */
      last_operation: z.object({}),
      type: z.enum(['managed', 'user-provided']),
      syslog_drain_url: z.string().nullish(),
      route_service_url: z.string().nullish(),
      relationships: z.object({ space: one }),
    }),
  select: (db: Db) => db.selectFrom('service_instances').selectAll('service_instances'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('service_instances.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    names: (query, names) => query.where('service_instances.name', 'in', names),
    space_guids: (query, guids) => query.where('service_instances.space_guid', 'in', guids),
    organization_guids: (query, guids, db) =>
      query.where(
        'service_instances.space_guid',
        'in',
        db.selectFrom('spaces').select('spaces.guid').where('spaces.organization_guid', 'in', guids),
      ),
    service_plan_guids: (query) => query.where(sql<boolean>`1 = 0`), // no instance has a plan yet
    service_plan_names: (query) => query.where(sql<boolean>`1 = 0`),
    type: {
      parse: ([type = ''], faults) => {
        if (!types.some((known) => known === type)) faults.push(`Type must be one of ${quoted(types)}`)
      },
      narrow: (query, wanted) => query.where('service_instances.type', 'in', wanted as InstanceType[]),
    },
  },
  orderBy: { name: 'service_instances.name' },
  present: (instance) => {
    const path = `/v3/service_instances/${instance.guid}`
    const isUserProvided = instance.type === 'user-provided'
    return {
      fields: {
        name: instance.name,
        tags: JSON.parse(instance.tags),
        last_operation: {}, // CC's word for an instance that was never operated on
        type: instance.type,
        ...(isUserProvided && {
          syslog_drain_url: instance.syslog_drain_url,
          route_service_url: instance.route_service_url,
        }),
        relationships: { space: { data: { guid: instance.space_guid } } },
      },
      links: {
        space: `/v3/spaces/${instance.space_guid}`,
        service_credential_bindings: `/v3/service_credential_bindings?service_instance_guids=${instance.guid}`,
        service_route_bindings: `/v3/service_route_bindings?service_instance_guids=${instance.guid}`,
        credentials: isUserProvided ? `${path}/credentials` : null,
      },
    }
  },
})

import { z } from 'zod'
import type { Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { lastOperation, one } from '../kit/answer-fields.ts'
import { includedRows } from '../kit/included.ts'
import { resource } from '../kit/resource.ts'
import { wireTime } from '../kit/timestamps.ts'
import { routes } from '../routes/resource.ts'
import { serviceInstances } from '../service-instances/resource.ts'

type Binding = Row<'service_route_bindings'> & { readonly service_instance_type: 'managed' | 'user-provided' }

const fields = () =>
  z.object({
    route_service_url: z.string().nullable(),
    last_operation: lastOperation,
    relationships: z.object({ service_instance: one, route: one }),
  })

/** Routes bound to a service, seen by who reads the space of the service instance. */
export const serviceRouteBindings = resource<
  'service_route_bindings' | 'service_instances',
  Binding,
  undefined,
  ReturnType<typeof fields>
>({
  singular: 'Service route binding',
  type: 'service_route_binding',
  path: '/v3/service_route_bindings',
  table: 'service_route_bindings',
  hasMetadata: true,
  fields,
  select: (db) =>
    db
      .selectFrom('service_route_bindings')
      .innerJoin('service_instances', 'service_instances.guid', 'service_route_bindings.service_instance_guid')
      .selectAll('service_route_bindings')
      .select('service_instances.type as service_instance_type'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('service_instances.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    service_instance_guids: (query, guids) => query.where('service_instances.guid', 'in', guids),
    service_instance_names: (query, names) => query.where('service_instances.name', 'in', names),
    route_guids: (query, guids) => query.where('service_route_bindings.route_guid', 'in', guids),
  },
  include: {
    route: (db, rows, view) =>
      includedRows(db, routes, { key: 'routes', guids: rows.map(({ route_guid }) => route_guid), view }),
    service_instance: (db, rows, view) =>
      includedRows(db, serviceInstances, {
        key: 'service_instances',
        guids: rows.map(({ service_instance_guid }) => service_instance_guid),
        view,
      }),
  },
  present: (binding) => ({
    fields: {
      route_service_url: binding.route_service_url,
      // Operations are not kept before brokers are asked: as CC shows a binding without one.
      last_operation: {
        type: 'create',
        state: 'succeeded',
        description: '',
        created_at: wireTime(binding.created_at),
        updated_at: wireTime(binding.updated_at),
      },
      relationships: {
        service_instance: { data: { guid: binding.service_instance_guid } },
        route: { data: { guid: binding.route_guid } },
      },
    },
    links: {
      service_instance: `/v3/service_instances/${binding.service_instance_guid}`,
      route: `/v3/routes/${binding.route_guid}`,
      parameters:
        binding.service_instance_type === 'managed' ? `/v3/service_route_bindings/${binding.guid}/parameters` : null,
    },
  }),
})

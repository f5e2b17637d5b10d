import { sql } from 'kysely'
import { z } from 'zod'
import type { Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { apps } from '../apps/resource.ts'
import { lastOperation, one } from '../kit/answer-fields.ts'
import { includedRows } from '../kit/included.ts'
import { resource } from '../kit/resource.ts'
import { wireTime } from '../kit/timestamps.ts'
import { quoted } from '../kit/words.ts'
import { serviceInstances } from '../service-instances/resource.ts'

type Binding = Row<'service_credential_bindings'> & { readonly service_instance_type: 'managed' | 'user-provided' }
type Sources = 'service_credential_bindings' | 'service_instances'

const types: ReadonlyArray<Binding['type']> = ['app', 'key']

const fields = () =>
  z.object({
    name: z.string().nullable(),
    type: z.enum(['app', 'key']),
    last_operation: lastOperation,
    relationships: z.object({ service_instance: one, app: one.optional() }),
  })

/** Seen by who reads the space of the bound app, or of the service instance whose key it is. */
export const serviceCredentialBindings = resource<Sources, Binding, undefined, ReturnType<typeof fields>>({
  singular: 'Service credential binding',
  type: 'service_credential_binding',
  path: '/v3/service_credential_bindings',
  table: 'service_credential_bindings',
  hasMetadata: true,
  fields,
  select: (db) =>
    db
      .selectFrom('service_credential_bindings')
      .innerJoin('service_instances', 'service_instances.guid', 'service_credential_bindings.service_instance_guid')
      .selectAll('service_credential_bindings')
      .select('service_instances.type as service_instance_type'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally
      ? query
      : query.where((eb) =>
          eb.or([
            eb(
              'service_credential_bindings.app_guid',
              'in',
              db.selectFrom('apps').select('apps.guid').where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
            ),
            eb.and([
              eb('service_credential_bindings.app_guid', 'is', null),
              eb('service_instances.space_guid', 'in', spaceGuidsReadBy(db, caller)),
            ]),
          ]),
        ),
  filters: {
    names: (query, names) => query.where('service_credential_bindings.name', 'in', names),
    service_instance_guids: (query, guids) => query.where('service_instances.guid', 'in', guids),
    service_instance_names: (query, names) => query.where('service_instances.name', 'in', names),
    // No instance has a plan yet.
    service_plan_names: (query) => query.where(sql<boolean>`1 = 0`),
    service_plan_guids: (query) => query.where(sql<boolean>`1 = 0`),
    service_offering_names: (query) => query.where(sql<boolean>`1 = 0`),
    service_offering_guids: (query) => query.where(sql<boolean>`1 = 0`),
    app_guids: (query, guids) => query.where('service_credential_bindings.app_guid', 'in', guids),
    app_names: (query, names, db) =>
      query.where(
        'service_credential_bindings.app_guid',
        'in',
        db.selectFrom('apps').select('apps.guid').where('apps.name', 'in', names),
      ),
    type: {
      parse: ([type = ''], faults) => {
        if (!types.some((known) => known === type)) faults.push(`Type must be one of ${quoted(types)}`)
      },
      narrow: (query, wanted) => query.where('service_credential_bindings.type', 'in', wanted as Binding['type'][]),
    },
  },
  orderBy: { name: 'service_credential_bindings.name' },
  include: {
    app: (db, rows, view) =>
      includedRows(db, apps, { key: 'apps', guids: rows.flatMap(({ app_guid }) => app_guid ?? []), view }),
    service_instance: (db, rows, view) =>
      includedRows(db, serviceInstances, {
        key: 'service_instances',
        guids: rows.map(({ service_instance_guid }) => service_instance_guid),
        view,
      }),
  },
  present: (binding) => {
    const path = `/v3/service_credential_bindings/${binding.guid}`
    return {
      fields: {
        name: binding.name,
        type: binding.type,
        // As CC shows a binding whose operation was not kept.
        last_operation: {
          type: 'create',
          state: 'succeeded',
          description: '',
          created_at: wireTime(binding.created_at),
          updated_at: wireTime(binding.updated_at),
        },
        relationships: {
          service_instance: { data: { guid: binding.service_instance_guid } },
          ...(binding.app_guid !== null && { app: { data: { guid: binding.app_guid } } }),
        },
      },
      links: {
        details: `${path}/details`,
        service_instance: `/v3/service_instances/${binding.service_instance_guid}`,
        parameters: binding.service_instance_type === 'managed' ? `${path}/parameters` : null,
        app: binding.app_guid === null ? null : `/v3/apps/${binding.app_guid}`,
      },
    }
  },
})

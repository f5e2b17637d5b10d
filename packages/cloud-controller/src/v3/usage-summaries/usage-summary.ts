import { sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { whole } from '../kit/answer-fields.ts'

export const UsageSummary = z.object({
  started_instances: whole,
  memory_in_mb: whole,
  routes: whole,
  service_instances: whole,
  reserved_ports: whole,
  domains: whole,
  per_app_tasks: whole,
  service_keys: whole,
})

/**
 * What an organization, or one of its spaces, uses of what quotas limit; private domains are always the organization's.
 * Source: cloud_controller_ng app/presenters/v3/space_usage_summary_presenter.rb.
 */
export async function usageSummary(
  db: Db,
  { organizationGuid, spaceGuid }: { organizationGuid: string; spaceGuid?: string },
): Promise<z.input<typeof UsageSummary>> {
  const all = db.selectFrom('spaces').select('spaces.guid').where('spaces.organization_guid', '=', organizationGuid)
  const spaces = spaceGuid === undefined ? all : all.where('spaces.guid', '=', spaceGuid)
  return db
    .selectNoFrom((eb) => {
      const started = eb
        .selectFrom('processes')
        .innerJoin('apps', 'apps.guid', 'processes.app_guid')
        .where('processes.state', '=', 'STARTED')
        .where('apps.space_guid', 'in', spaces)
      const routes = eb.selectFrom('routes').where('routes.space_guid', 'in', spaces)
      const instances = eb.selectFrom('service_instances').where('service_instances.space_guid', 'in', spaces)
      return [
        started.select(sql<number>`coalesce(sum(processes.instances), 0)`.as('n')).as('started_instances'),
        started
          .select(
            sql<number>`cast(coalesce(sum(cast(processes.instances as bigint) * processes.memory_in_mb), 0) as bigint)`.as(
              'n',
            ),
          )
          .as('memory_in_mb'),
        routes.select(count).as('routes'),
        instances.where('service_instances.type', '=', 'managed').select(count).as('service_instances'),
        routes
          .innerJoin('domains', 'domains.guid', 'routes.domain_guid')
          .where('domains.router_group_guid', 'is not', null)
          .where('routes.port', 'is not', null)
          .select(count)
          .as('reserved_ports'),
        eb
          .selectFrom('domains')
          .where('domains.owning_organization_guid', '=', organizationGuid)
          .select(count)
          .as('domains'),
        sql<number>`0`.as('per_app_tasks'), // there are no tasks yet
        instances
          .innerJoin(
            'service_credential_bindings',
            'service_credential_bindings.service_instance_guid',
            'service_instances.guid',
          )
          .where('service_credential_bindings.type', '=', 'key')
          .select(count)
          .as('service_keys'),
      ]
    })
    .$castTo<z.input<typeof UsageSummary>>()
    .executeTakeFirstOrThrow()
}

const count = sql<number>`count(*)`.as('n')

import { z } from 'zod'
import type { Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { one, time, whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'
import { wireTime } from '../kit/timestamps.ts'

const cancelableStates = ['DEPLOYING', 'PREPAUSED', 'PAUSED', 'CANCELING']

const maybe = z.object({ guid: z.string().nullable() })

export const deployments = resource({
  singular: 'Deployment',
  type: 'deployment',
  path: '/v3/deployments',
  table: 'deployments',
  hasMetadata: true,
  fields: () =>
    z.object({
      status: z.object({
        value: z.enum(['ACTIVE', 'FINALIZED']),
        reason: z.string(),
        details: z.object({
          last_successful_healthcheck: time.nullable(),
          last_status_change: time,
          error: z.string().optional(),
        }),
        canary: z.object({ steps: z.object({ current: whole.nullable(), total: whole }) }).optional(),
      }),
      strategy: z.enum(['rolling', 'canary']),
      options: z.record(z.string(), z.unknown()),
      droplet: maybe,
      previous_droplet: maybe,
      new_processes: z.array(z.object({ guid: z.string(), type: z.string() })),
      revision: z.object({ guid: z.string(), version: whole.nullable() }).nullable(),
      relationships: z.object({ app: one }),
    }),
  select: (db) =>
    db
      .selectFrom('deployments')
      .innerJoin('apps', 'apps.guid', 'deployments.app_guid')
      .selectAll('deployments')
      .select(['apps.space_guid', 'apps.revisions_enabled']),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    app_guids: (query, guids) => query.where('deployments.app_guid', 'in', guids),
    states: (query, states) => query.where('deployments.state', 'in', states),
    status_reasons: (query, reasons) => query.where('deployments.status_reason', 'in', reasons),
    status_values: (query, values) =>
      query.where('deployments.status_value', 'in', values as Row<'deployments'>['status_value'][]),
  },
  present: (deployment) => ({
    fields: {
      status: presentedStatus(deployment),
      strategy: deployment.strategy,
      options: JSON.parse(deployment.options),
      droplet: { guid: deployment.droplet_guid },
      previous_droplet: { guid: deployment.previous_droplet_guid },
      new_processes: JSON.parse(deployment.new_processes),
      revision:
        deployment.revisions_enabled && deployment.revision_guid !== null
          ? { guid: deployment.revision_guid, version: deployment.revision_version }
          : null,
      relationships: { app: { data: { guid: deployment.app_guid } } },
    },
    links: {
      app: `/v3/apps/${deployment.app_guid}`,
      cancel: cancelableStates.includes(deployment.state)
        ? { path: `/v3/deployments/${deployment.guid}/actions/cancel`, method: 'POST' }
        : null,
      continue:
        deployment.state === 'PAUSED'
          ? { path: `/v3/deployments/${deployment.guid}/actions/continue`, method: 'POST' }
          : null,
    },
  }),
})

function presentedStatus(deployment: Row<'deployments'>) {
  return {
    value: deployment.status_value,
    reason: deployment.status_reason,
    details: {
      last_successful_healthcheck: deployment.last_healthy_at && wireTime(deployment.last_healthy_at),
      last_status_change: wireTime(deployment.status_updated_at),
      ...(deployment.error !== null && { error: deployment.error }),
    },
    ...(deployment.strategy === 'canary' && {
      canary: { steps: { current: deployment.canary_current_step, total: deployment.canary_total_steps ?? 1 } },
    }),
  }
}

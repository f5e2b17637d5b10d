import { z } from 'zod'
import type { Db, Row } from '../../db/schema.ts'
import { canInSpace } from '../../permissions/guards.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { links, one, whole } from '../kit/answer-fields.ts'
import { resource, type View } from '../kit/resource.ts'

/** A process with the space that it is in. */
export type ProcessRow = Row<'processes'> & { readonly space_guid: string }

/** User that instances run as when none was chosen. */
const defaultUser = 'vcap'

const checkType = z.enum(['port', 'process', 'http'])
const checkData = z.object({
  invocation_timeout: whole.nullable(),
  interval: whole.nullable(),
  endpoint: z.string().nullish(),
})

const ProcessInstance = z.object({
  index: whole,
  state: z.enum(['RUNNING', 'STARTING', 'CRASHED', 'DOWN']),
  /** Seconds in this state; null when there is no instance. */
  since: z.number().nullable(),
})

export const ProcessInstances = z.object({ resources: z.array(ProcessInstance).readonly(), links })

export const processes = resource({
  singular: 'Process',
  type: 'process',
  path: '/v3/processes',
  table: 'processes',
  hasMetadata: true,
  fields: () =>
    z.object({
      version: z.string(),
      type: z.string(),
      command: z.string(),
      user: z.string(),
      instances: whole,
      memory_in_mb: whole,
      disk_in_mb: whole,
      log_rate_limit_in_bytes_per_second: whole,
      health_check: z.object({ type: checkType, data: checkData.extend({ timeout: whole.nullable() }) }),
      readiness_health_check: z.object({ type: checkType, data: checkData }),
      process_instances: z.array(ProcessInstance).optional(),
      relationships: z.object({ app: one, revision: one.nullable() }),
    }),
  select: (db) =>
    db
      .selectFrom('processes')
      .innerJoin('apps', 'apps.guid', 'processes.app_guid')
      .selectAll('processes')
      .select('apps.space_guid'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    types: (query, types) => query.where('processes.type', 'in', types),
    space_guids: (query, guids) => query.where('apps.space_guid', 'in', guids),
    organization_guids: (query, guids, db) =>
      query.where(
        'apps.space_guid',
        'in',
        db.selectFrom('spaces').select('spaces.guid').where('spaces.organization_guid', 'in', guids),
      ),
    app_guids: (query, guids) => query.where('processes.app_guid', 'in', guids),
  },
  load: (db, rows, view) => commands(db, rows, view),
  present: (process, commandOf) => ({
    fields: {
      version: process.version,
      type: process.type,
      command: commandOf(process),
      user: process.user ?? defaultUser,
      instances: process.instances,
      memory_in_mb: process.memory_in_mb,
      disk_in_mb: process.disk_in_mb,
      log_rate_limit_in_bytes_per_second: process.log_rate_limit_in_bytes_per_second,
      health_check: {
        type: process.health_check_type,
        data: {
          timeout: process.health_check_timeout,
          invocation_timeout: process.health_check_invocation_timeout,
          interval: process.health_check_interval,
          ...(process.health_check_type === 'http' && { endpoint: process.health_check_http_endpoint }),
        },
      },
      readiness_health_check: {
        type: process.readiness_health_check_type,
        data: {
          invocation_timeout: process.readiness_health_check_invocation_timeout,
          interval: process.readiness_health_check_interval,
          ...(process.readiness_health_check_type === 'http' && {
            endpoint: process.readiness_health_check_http_endpoint,
          }),
        },
      },
      relationships: {
        app: { data: { guid: process.app_guid } },
        revision: process.revision_guid === null ? null : { data: { guid: process.revision_guid } },
      },
    },
    links: {
      scale: { path: `/v3/processes/${process.guid}/actions/scale`, method: 'POST' },
      app: `/v3/apps/${process.app_guid}`,
      space: `/v3/spaces/${process.space_guid}`,
      stats: `/v3/processes/${process.guid}/stats`,
      process_instances: `/v3/processes/${process.guid}/process_instances`,
    },
  }),
})

/** The command of each process: its own or its droplet's; hidden in lists and from who may not see the space's secrets. */
async function commands(
  db: Db,
  rows: readonly ProcessRow[],
  { caller, kind }: View,
): Promise<(process: ProcessRow) => string> {
  if (kind === 'list') return () => '[PRIVATE DATA HIDDEN IN LISTS]'
  for (const spaceGuid of new Set(rows.map((process) => process.space_guid)))
    if (!(await canInSpace(db, caller, spaceGuid, 'readSecrets'))) return () => '[PRIVATE DATA HIDDEN]'
  const droplets = await db
    .selectFrom('apps')
    .innerJoin('droplets', 'droplets.guid', 'apps.droplet_guid')
    .select(['apps.guid as app_guid', 'droplets.process_types'])
    .where(
      'apps.guid',
      'in',
      rows.map((process) => process.app_guid),
    )
    .execute()
  return ({ command, app_guid, type }) => {
    const droplet = droplets.find((candidate) => candidate.app_guid === app_guid)
    const detected: Record<string, string> = JSON.parse(droplet?.process_types ?? '{}')
    return command ?? detected[type] ?? ''
  }
}

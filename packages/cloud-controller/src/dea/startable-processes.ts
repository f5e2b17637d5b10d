import type { Db, Row } from '../db/schema.ts'
import type { RunningProcess } from './vcap-application.ts'

/** A process with what its instances run: the droplet, command and variables that are in force for it. */
export interface StartableProcess extends RunningProcess {
  readonly log_rate_limit_in_bytes_per_second: number
  readonly health_check_type: Row<'processes'>['health_check_type']
  readonly health_check_timeout: number | null
  readonly health_check_invocation_timeout: number | null
  readonly health_check_interval: number | null
  readonly health_check_http_endpoint: string | null
  readonly readiness_health_check_type: Row<'processes'>['readiness_health_check_type']
  readonly readiness_health_check_invocation_timeout: number | null
  readonly readiness_health_check_interval: number | null
  readonly readiness_health_check_http_endpoint: string | null
  readonly lifecycle_stack: string | null
  readonly sealed_environment_variables: string
  readonly droplet_guid: string
  readonly droplet_stack: string | null
  readonly droplet_sha1: string | null
  readonly start_command: string | null
}

/**
 * Processes that have a staged droplet to run. Where the app keeps revisions, a process runs what its revision says (droplet,
 * variables, command), so that an instance that is added or replaced is like its siblings; a changed variable takes effect at
 * the next restart. Source: cloud_controller_ng app/models/runtime/process_model.rb (actual_droplet, environment_json, started_command).
 */
export async function startableProcesses(db: Db, processGuids: readonly string[]): Promise<StartableProcess[]> {
  if (processGuids.length === 0) return []
  const rows = await db
    .selectFrom('processes')
    .innerJoin('apps', 'apps.guid', 'processes.app_guid')
    .innerJoin('spaces', 'spaces.guid', 'apps.space_guid')
    .innerJoin('organizations', 'organizations.guid', 'spaces.organization_guid')
    .leftJoin('revisions', (join) =>
      join.onRef('revisions.guid', '=', 'processes.revision_guid').on('apps.revisions_enabled', '=', 1),
    )
    .innerJoin('droplets', (join) =>
      join.on((eb) => eb('droplets.guid', '=', eb.fn.coalesce('revisions.droplet_guid', 'apps.droplet_guid'))),
    )
    .selectAll('processes')
    .select([
      'apps.name',
      'apps.space_guid',
      'apps.lifecycle_stack',
      'spaces.name as space_name',
      'spaces.organization_guid',
      'organizations.name as organization_name',
      'apps.sealed_environment_variables as app_variables',
      'revisions.sealed_environment_variables as revision_variables',
      'revisions.processes as revision_processes',
      'droplets.guid as droplet_guid',
      'droplets.stack as droplet_stack',
      'droplets.sha1 as droplet_sha1',
      'droplets.process_types as droplet_process_types',
    ])
    .where('processes.guid', 'in', processGuids)
    .where('droplets.state', '=', 'STAGED')
    .orderBy('processes.id')
    .execute()
  return rows.map(({ app_variables, revision_variables, revision_processes, droplet_process_types, ...process }) => {
    const ofRevision = revision_processes === null ? undefined : parseObject(revision_processes)
    const detected = parseObject(droplet_process_types)[process.type]
    return {
      ...process,
      sealed_environment_variables: revision_variables ?? app_variables,
      start_command: (ofRevision ? commandOf(ofRevision[process.type]) : process.command) ?? textOrNull(detected),
    }
  })
}

const parseObject = (json: string | null): Record<string, unknown> => (json === null ? {} : JSON.parse(json))

const commandOf = (process: unknown): string | null =>
  typeof process === 'object' && process !== null && 'command' in process ? textOrNull(process.command) : null

const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

import type { HealthCheck, Sidecar, StartMessage } from '@vcap/protocol'
import type { Settings } from '../config.ts'
import type { Db } from '../db/schema.ts'
import { blobUrl } from '../staging/blob-urls.ts'
import { processUris } from './route-uris.ts'
import { assignments, environmentVariableGroup, openVariables } from './sealed-variables.ts'
import { type StartableProcess, startableProcesses } from './startable-processes.ts'
import { processVcapApplication } from './vcap-application.ts'
import { boundServices } from './vcap-services.ts'

/** Which instances of a process to start. */
export interface WantedInstances {
  readonly processGuid: string
  readonly indices: readonly number[]
}

interface Sources {
  readonly db: Db
  readonly settings: Settings
}

/** `dea.<id>.start` messages for these indices of one process; none while its app has no staged droplet. */
export async function startMessages(
  sources: Sources,
  processGuid: string,
  indices: readonly number[],
): Promise<StartMessage[]> {
  return startMessagesOf(sources, [{ processGuid, indices }])
}

/** `dea.<id>.start` messages for instances of many processes, in a constant number of statements. */
export async function startMessagesOf(sources: Sources, wanted: readonly WantedInstances[]): Promise<StartMessage[]> {
  const { db, settings } = sources
  const processes = await startableProcesses(
    db,
    wanted.filter(({ indices }) => indices.length > 0).map(({ processGuid }) => processGuid),
  )
  if (processes.length === 0) return []
  const appGuids = [...new Set(processes.map((process) => process.app_guid))]
  const uris = await processUris(db, processes)
  const services = await boundServices(db, settings, appGuids)
  const sidecars = await sidecarsOf(db, appGuids)
  const group = await environmentVariableGroup(db, settings, 'running')
  return processes.flatMap((process) => {
    const message = messageOf(settings, process, {
      uris: uris.get(process.guid) ?? [],
      services: services.get(process.app_guid) ?? [],
      sidecars: sidecars(process),
      group,
    })
    const indices = wanted.find(({ processGuid }) => processGuid === process.guid)?.indices ?? []
    return indices.map((index) => ({ ...message, index }))
  })
}

interface Surroundings {
  readonly uris: string[]
  readonly services: StartMessage['services']
  readonly sidecars: Sidecar[]
  readonly group: Readonly<Record<string, unknown>>
}

function messageOf(
  settings: Settings,
  process: StartableProcess,
  { uris, services, sidecars, group }: Surroundings,
): Omit<StartMessage, 'index'> {
  const healthCheck = startHealthCheck(settings, process)
  return {
    droplet: process.guid,
    app_guid: process.app_guid,
    process_type: process.type,
    name: process.name,
    stack: process.droplet_stack ?? process.lifecycle_stack,
    uris,
    sha1: process.droplet_sha1,
    executableUri: blobUrl(settings, `droplets/${process.droplet_guid}/download`),
    version: process.version,
    services,
    limits: {
      mem: process.memory_in_mb,
      disk: process.disk_in_mb,
      fds: settings.apps.fileDescriptors,
      log_rate: process.log_rate_limit_in_bytes_per_second,
    },
    env: assignments({
      ...group,
      ...openVariables(settings, process.sealed_environment_variables),
      CF_PROCESS_TYPE: process.type,
    }),
    cc_partition: settings.dea.partition,
    start_command: process.start_command,
    health_check_timeout: healthCheck.timeout,
    health_check: healthCheck,
    readiness_health_check: {
      type: process.readiness_health_check_type,
      invocation_timeout: process.readiness_health_check_invocation_timeout,
      interval: process.readiness_health_check_interval,
      endpoint: process.readiness_health_check_http_endpoint,
    },
    sidecars,
    vcap_application: processVcapApplication(settings, process, uris),
    egress_network_rules: [],
  }
}

function startHealthCheck(settings: Settings, process: StartableProcess): HealthCheck {
  return {
    type: process.health_check_type,
    timeout: process.health_check_timeout ?? settings.apps.healthCheckTimeoutInSeconds,
    invocation_timeout: process.health_check_invocation_timeout,
    interval: process.health_check_interval,
    endpoint: process.health_check_http_endpoint,
  }
}

/** Sidecars of a process: those of its app that name its type. */
async function sidecarsOf(db: Db, appGuids: readonly string[]): Promise<(process: StartableProcess) => Sidecar[]> {
  const rows = await db.selectFrom('sidecars').selectAll().where('app_guid', 'in', appGuids).orderBy('id').execute()
  return (process) =>
    rows
      .filter((row) => row.app_guid === process.app_guid && JSON.parse(row.process_types).includes(process.type))
      .map(({ name, command, memory_in_mb }) => ({ name, command, memory_in_mb }))
}

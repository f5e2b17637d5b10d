import { randomUUID } from 'node:crypto'
import { lockRow } from '../db/lock-row.ts'
import type { Row, Trx } from '../db/schema.ts'
import { notFound, unprocessable } from '../errors/api-error.ts'
import { type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Acting, censoredRequest, recordAppEvent } from './app-events.ts'
import { recordProcessUsage } from './app-usage-events.ts'
import { isDeploying } from './deployments.ts'
import { requireWithinQuotas } from './process-quotas.ts'
import { requireHealthChecks, requireLimits, requireRoomForSidecars, requireUser } from './process-rules.ts'

export const webProcessType = 'web'

type App = Pick<Row<'apps'>, 'guid' | 'name' | 'space_guid'>

/**
 * Adds a stopped process to an app: one instance of web, none of other types, the platform's limits. The first web process
 * has the app's guid. Throws 422 when the app's sidecars don't fit. Source: cloud_controller_ng app/actions/process_create.rb.
 */
export async function createProcess(trx: Trx, acting: Acting, app: App, type: string): Promise<string> {
  const { apps } = acting.settings
  const isWeb = type === webProcessType
  const time = now()
  const process = await trx
    .insertInto('processes')
    .values({
      guid: isWeb ? app.guid : randomUUID(),
      created_at: time,
      updated_at: time,
      app_guid: app.guid,
      type,
      state: 'STOPPED',
      instances: isWeb ? 1 : 0,
      memory_in_mb: apps.memoryInMb,
      disk_in_mb: apps.diskInMb,
      log_rate_limit_in_bytes_per_second: apps.logRateLimitInBytesPerSecond,
      command: null,
      user: null,
      health_check_type: isWeb ? 'port' : 'process',
      health_check_timeout: null,
      health_check_invocation_timeout: null,
      health_check_interval: null,
      health_check_http_endpoint: null,
      readiness_health_check_type: 'process',
      readiness_health_check_invocation_timeout: null,
      readiness_health_check_interval: null,
      readiness_health_check_http_endpoint: null,
      version: randomUUID(),
      revision_guid: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await requireRoomForSidecars(trx, [process], {
    fault: `The sidecar memory allocation defined is too large to run with the dependent "${type}" process`,
  })
  await recordAppEvent(trx, acting, 'process.create', app, subject(process))
  return process.guid
}

/** Reads the process and keeps other transactions from changing it until this one ends. Throws 404 when it is gone. */
export async function lockProcess(trx: Trx, guid: string): Promise<Row<'processes'>> {
  const process = await lockRow(trx, 'processes', guid)
  if (!process) throw notFound('Process')
  return process
}

export interface ProcessScale {
  readonly instances?: number | null | undefined
  readonly memory_in_mb?: number | null | undefined
  readonly disk_in_mb?: number | null | undefined
  readonly log_rate_limit_in_bytes_per_second?: number | null | undefined
}

/** What a scaling was, for `resizeInstances` after the commit. */
export interface ScaledProcess {
  readonly process: Row<'processes'>
  readonly previousInstances: number
}

/**
 * Changes the number of instances and the limits of each. Only the number acts on what runs; limits are for instances that
 * start from now on. Throws 422 during a deployment of web, beyond the platform's limits or quotas, or when sidecars don't fit any more.
 * Source: cloud_controller_ng app/actions/process_scale.rb.
 */
export async function scaleProcess(
  trx: Trx,
  acting: Acting,
  { app, processGuid }: { app: App; processGuid: string },
  scale: ProcessScale,
): Promise<ScaledProcess> {
  const before = await lockProcess(trx, processGuid)
  if (before.type === webProcessType && (await isDeploying(trx, app.guid)))
    throw unprocessable('Cannot scale this process while a deployment is in flight.')
  const process = {
    ...before,
    instances: scale.instances ?? before.instances,
    memory_in_mb: scale.memory_in_mb ?? before.memory_in_mb,
    disk_in_mb: scale.disk_in_mb ?? before.disk_in_mb,
    log_rate_limit_in_bytes_per_second:
      scale.log_rate_limit_in_bytes_per_second ?? before.log_rate_limit_in_bytes_per_second,
    updated_at: now(),
  }
  requireLimits(acting.settings, process)
  await requireWithinQuotas(trx, process, { before, after: process })
  if (process.memory_in_mb !== before.memory_in_mb)
    await requireRoomForSidecars(trx, [process], {
      fault: 'The requested memory allocation is not large enough to run all of your sidecar processes',
    })
  await saveProcess(trx, process)
  await recordProcessUsage(trx, before, process)
  await recordAppEvent(trx, acting, 'process.scale', app, { ...subject(process), request: censoredRequest(scale) })
  return { process, previousInstances: before.instances }
}

export interface HealthCheckChange {
  readonly type?: Row<'processes'>['health_check_type'] | undefined
  readonly data?:
    | {
        readonly timeout?: number | null | undefined
        readonly invocation_timeout?: number | null | undefined
        readonly interval?: number | null | undefined
        readonly endpoint?: string | null | undefined
      }
    | undefined
}

export interface ProcessChange {
  /** Null: the droplet's. */
  readonly command?: string | null | undefined
  readonly user?: string | null | undefined
  readonly health_check?: HealthCheckChange | undefined
  readonly readiness_health_check?: HealthCheckChange | undefined
  readonly metadata?: MetadataMessage | undefined
}

/**
 * Changes command, user, health checks and metadata; what runs stays as it is until it is restarted. Throws 422 during a
 * deployment of web, for a timeout beyond the platform's, an endpoint that is no path, a user that is not allowed.
 * Source: cloud_controller_ng app/actions/process_update.rb.
 */
export async function updateProcess(
  trx: Trx,
  acting: Acting,
  { app, processGuid }: { app: App; processGuid: string },
  change: ProcessChange,
): Promise<Row<'processes'>> {
  const before = await lockProcess(trx, processGuid)
  if (before.type === webProcessType && (await isDeploying(trx, app.guid)))
    throw unprocessable('Cannot update this process while a deployment is in flight.')
  const process = {
    ...before,
    ...(change.command !== undefined && { command: change.command }),
    ...(change.user !== undefined && { user: change.user }),
    ...healthCheck(before, change.health_check),
    ...readinessHealthCheck(before, change.readiness_health_check),
    updated_at: now(),
  }
  await requireWithinQuotas(trx, process, { before, after: process })
  requireHealthChecks(acting.settings, process)
  requireUser(process)
  await saveProcess(trx, process)
  await saveMetadata(trx, { type: 'process', guid: process.guid }, change.metadata)
  await recordAppEvent(trx, acting, 'process.update', app, { ...subject(process), request: censoredRequest(change) })
  return process
}

function healthCheck(before: Row<'processes'>, change: HealthCheckChange | undefined): Partial<Row<'processes'>> {
  const { timeout, invocation_timeout, interval } = change?.data ?? {}
  return {
    health_check_type: change?.type ?? before.health_check_type,
    ...(timeout !== undefined && { health_check_timeout: timeout }),
    ...(invocation_timeout !== undefined && { health_check_invocation_timeout: invocation_timeout }),
    ...(interval !== undefined && { health_check_interval: interval }),
    health_check_http_endpoint: endpoint(change, before.health_check_http_endpoint),
  }
}

function readinessHealthCheck(
  before: Row<'processes'>,
  change: HealthCheckChange | undefined,
): Partial<Row<'processes'>> {
  const { invocation_timeout, interval } = change?.data ?? {}
  return {
    readiness_health_check_type: change?.type ?? before.readiness_health_check_type,
    ...(invocation_timeout !== undefined && { readiness_health_check_invocation_timeout: invocation_timeout }),
    ...(interval !== undefined && { readiness_health_check_interval: interval }),
    readiness_health_check_http_endpoint: endpoint(change, before.readiness_health_check_http_endpoint),
  }
}

/** A check that stops being an HTTP check forgets its endpoint. */
function endpoint(change: HealthCheckChange | undefined, before: string | null): string | null {
  if (change?.type !== undefined && change.type !== 'http') return null
  return change?.data?.endpoint === undefined ? before : change.data.endpoint
}

/** Notes that somebody had an instance stopped. Throws 404 "Instance not found" for an index that the process has not. */
export async function recordTermination(
  trx: Trx,
  acting: Acting,
  { app, process }: { app: App; process: Pick<Row<'processes'>, 'guid' | 'type' | 'instances'> },
  index: number,
): Promise<void> {
  if (!(index >= 0 && index < process.instances)) throw notFound('Instance')
  await recordAppEvent(trx, acting, 'process.terminate_instance', app, {
    ...subject(process),
    process_index: index,
  })
}

async function saveProcess(trx: Trx, { id, guid, created_at, ...values }: Row<'processes'>): Promise<void> {
  await trx.updateTable('processes').set(values).where('guid', '=', guid).execute()
}

const subject = ({ guid, type }: { guid: string; type: string }) => ({ process_guid: guid, process_type: type })

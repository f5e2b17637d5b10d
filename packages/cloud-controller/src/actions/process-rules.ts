import type { Settings } from '../config.ts'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'

/*
 * What the platform demands of a process (cloud_controller_ng app/models/runtime/constraints/). All throw 422 with CC's words.
 */

/** The user that apps run as. */
const permittedUsers = ['vcap']

export function requireLimits(settings: Settings, process: Pick<Row<'processes'>, 'disk_in_mb'>): void {
  const { maximumDiskInMb } = settings.apps
  if (process.disk_in_mb > maximumDiskInMb)
    throw unprocessable(
      `disk_quota too much disk requested (requested ${process.disk_in_mb} MB - must be less than ${maximumDiskInMb} MB)`,
    )
}

export function requireHealthChecks(settings: Settings, process: Row<'processes'>): void {
  const maximum = settings.apps.maximumHealthCheckTimeoutInSeconds
  const faults: string[] = []
  if (process.health_check_timeout !== null && process.health_check_timeout > maximum)
    faults.push(`health_check_timeout Maximum exceeded: max ${maximum}s`)
  if (process.health_check_type === 'http' && !isUriPath(process.health_check_http_endpoint))
    faults.push(
      `health_check_http_endpoint HTTP health check endpoint is not a valid URI path: ${process.health_check_http_endpoint ?? ''}`,
    )
  if (process.readiness_health_check_type === 'http' && !isUriPath(process.readiness_health_check_http_endpoint))
    faults.push(
      `readiness_health_check_http_endpoint HTTP readiness health check endpoint is not a valid URI path: ${process.readiness_health_check_http_endpoint ?? ''}`,
    )
  if (faults.length > 0) throw unprocessable(faults.join(', '))
}

/** A path as CC accepts it: begins with one slash and has no blanks (lib/utils/uri_utils.rb). */
export function isUriPath(text: string | null): boolean {
  return text !== null && /^\/([^\s/]\S*)?$/.test(text)
}

export function requireUser({ user }: Pick<Row<'processes'>, 'user'>): void {
  if (user === null || permittedUsers.includes(user.toLowerCase())) return
  const permitted = permittedUsers.map((name) => `'${name}'`).join(', ')
  throw unprocessable(`user invalid (requested user '${user}' not allowed, permitted users are: ${permitted})`)
}

interface SidecarChange {
  /** The memory that a new or changed sidecar wants. */
  readonly wantedMemoryInMb?: number
  /** The sidecar that it replaces. */
  readonly except?: string
  /** What to say; by default the sidecar is at fault. */
  readonly fault?: string
}

/** A process must keep some memory for itself beside its sidecars. */
export async function requireRoomForSidecars(
  trx: Trx,
  processes: ReadonlyArray<Pick<Row<'processes'>, 'app_guid' | 'type' | 'memory_in_mb'>>,
  { wantedMemoryInMb = 0, except, fault }: SidecarChange = {},
): Promise<void> {
  const appGuid = processes[0]?.app_guid
  if (appGuid === undefined) return
  const sidecars = await trx.selectFrom('sidecars').selectAll().where('app_guid', '=', appGuid).execute()
  for (const { type, memory_in_mb } of processes) {
    const used = sidecars
      .filter((sidecar) => sidecar.guid !== except && JSON.parse(sidecar.process_types).includes(type))
      .reduce((sum, sidecar) => sum + (sidecar.memory_in_mb ?? 0), wantedMemoryInMb)
    if (used >= memory_in_mb)
      throw unprocessable(
        fault ?? `The memory allocation defined is too large to run with the dependent "${type}" process`,
      )
  }
}

import { sql } from 'kysely'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { exceeds, type Limited, lockLimitsOfSpace } from './binding-quotas.ts'

/** What started processes use. */
export interface ProcessUsage {
  readonly memoryInMb: number
  readonly instances: number
  /** One without a limit counts as -1 for each instance, as it is stored. */
  readonly logRateInBytesPerSecond: number
}

const nothing: ProcessUsage = { memoryInMb: 0, instances: 0, logRateInBytesPerSecond: 0 }
const unlimitedLogRate = -1

type Process = Pick<
  Row<'processes'>,
  'guid' | 'state' | 'instances' | 'memory_in_mb' | 'log_rate_limit_in_bytes_per_second'
>

/**
 * Throws 422 with all that the process, as it is about to be saved, uses beyond the quotas of its space and organization.
 * Nothing binds a process that is not started; one that is must fit whatever was changed of it, except that its log rate
 * counts only when it, the number of instances or the state changes. Source: cloud_controller_ng
 * app/models/runtime/process_model.rb (validation_policies), constraints/max_{memory,instance_memory,app_instances,log_rate_limit}_policy.rb.
 */
export async function requireWithinQuotas(
  trx: Trx,
  { app_guid }: Pick<Row<'processes'>, 'app_guid'>,
  { before, after }: { readonly before: Process; readonly after: Process },
): Promise<void> {
  if (after.state !== 'STARTED') return
  const { space_guid } = await trx
    .selectFrom('apps')
    .select('space_guid')
    .where('guid', '=', app_guid)
    .executeTakeFirstOrThrow()
  const { space, organization } = await lockLimitsOfSpace(trx, space_guid)
  const used = await usageOfProcesses(trx, { organization, space }, after.guid)
  const inSpace: Place = { ...space, kind: 'space', used: plus(used.space, after) }
  const inOrganization: Place = { ...organization, kind: 'organization', used: plus(used.organization, after) }
  const faults = [
    memoryFault(inSpace) && 'memory space_quota_exceeded',
    memoryFault(inOrganization) && 'memory quota_exceeded',
    instanceMemoryFault(inOrganization, after) && 'memory instance_memory_limit_exceeded',
    instanceMemoryFault(inSpace, after) && 'memory space_instance_memory_limit_exceeded',
    instancesFault(inOrganization) && 'app_instance_limit app_instance_limit_exceeded',
    instancesFault(inSpace) && 'app_instance_limit space_app_instance_limit_exceeded',
    ...(changesLogRate(before, after) ? [inSpace, inOrganization].flatMap((place) => logRateFaults(place, after)) : []),
  ].filter((fault) => fault !== false)
  if (faults.length > 0) throw unprocessable(faults.join(', '))
}

interface Place extends Limited {
  readonly kind: 'space' | 'organization'
  /** With the process. */
  readonly used: ProcessUsage
}

const memoryFault = ({ used, limits }: Place): boolean => exceeds(used.memoryInMb, limits.total_memory_in_mb)
const instanceMemoryFault = ({ limits }: Place, { memory_in_mb }: Process): boolean =>
  exceeds(memory_in_mb, limits.per_process_memory_in_mb)
const instancesFault = ({ used, limits }: Place): boolean => exceeds(used.instances, limits.total_instances)

function logRateFaults({ kind, name, used, limits }: Place, process: Process): string[] {
  const limit = limits.log_rate_limit_in_bytes_per_second
  const isUnlimited = process.log_rate_limit_in_bytes_per_second === unlimitedLogRate
  return [
    ...(isUnlimited && limit !== null ? [`log_rate_limit cannot be unlimited in ${kind} '${name}'.`] : []),
    ...(exceeds(used.logRateInBytesPerSecond, limit) ? [`log_rate_limit exceeds ${kind} log rate quota`] : []),
  ]
}

function changesLogRate(before: Process, after: Process): boolean {
  return (
    before.state !== after.state ||
    before.instances !== after.instances ||
    before.log_rate_limit_in_bytes_per_second !== after.log_rate_limit_in_bytes_per_second
  )
}

const plus = (usage: ProcessUsage, process: Process): ProcessUsage => ({
  memoryInMb: usage.memoryInMb + process.memory_in_mb * process.instances,
  instances: usage.instances + process.instances,
  logRateInBytesPerSecond:
    usage.logRateInBytesPerSecond + process.log_rate_limit_in_bytes_per_second * process.instances,
})

/** What the started processes of a space and of its organization use, one of them left out. One statement. */
export async function usageOfProcesses(
  trx: Trx,
  { space, organization }: { readonly space: { guid: string }; readonly organization: { guid: string } },
  besidesGuid = '',
): Promise<{ readonly space: ProcessUsage; readonly organization: ProcessUsage }> {
  const bySpace = await trx
    .selectFrom('processes')
    .innerJoin('apps', 'apps.guid', 'processes.app_guid')
    .innerJoin('spaces', 'spaces.guid', 'apps.space_guid')
    .select([
      'apps.space_guid',
      sql<number>`sum(cast(processes.instances as bigint) * processes.memory_in_mb)`.as('memoryInMb'),
      sql<number>`sum(processes.instances)`.as('instances'),
      sql<number>`sum(processes.instances * processes.log_rate_limit_in_bytes_per_second)`.as(
        'logRateInBytesPerSecond',
      ),
    ])
    .where('spaces.organization_guid', '=', organization.guid)
    .where('processes.state', '=', 'STARTED')
    .where('processes.guid', '!=', besidesGuid)
    .groupBy('apps.space_guid')
    .execute()
  return {
    space: sum(bySpace.filter(({ space_guid }) => space_guid === space.guid)),
    organization: sum(bySpace),
  }
}

function sum(usages: readonly ProcessUsage[]): ProcessUsage {
  return usages.reduce(
    (total, usage) => ({
      memoryInMb: total.memoryInMb + Number(usage.memoryInMb),
      instances: total.instances + Number(usage.instances),
      logRateInBytesPerSecond: total.logRateInBytesPerSecond + Number(usage.logRateInBytesPerSecond),
    }),
    nothing,
  )
}

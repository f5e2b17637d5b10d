import type { Settings } from '../config.ts'
import type { Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { exceeds, lockLimitsOfSpace } from './binding-quotas.ts'
import { usageOfProcesses } from './process-quotas.ts'

export interface StagingResources {
  readonly memoryInMb: number
  readonly diskInMb: number
  /** -1 is unlimited. */
  readonly logRateInBytesPerSecond: number
}

/**
 * Throws 422 when staging with what was asked for, beside the processes that are started, takes more than the quotas of the
 * space and its organization leave. What the platform gives anyway (its minimum) is always granted. Source: cloud_controller_ng
 * lib/cloud_controller/backends/{quota_validating_staging_memory,staging_disk,quota_validating_staging_log_rate_limit}_calculator.rb.
 */
export async function requireRoomForStaging(
  trx: Trx,
  { staging, apps }: Pick<Settings, 'staging' | 'apps'>,
  spaceGuid: string,
  { memoryInMb, diskInMb, logRateInBytesPerSecond }: StagingResources,
): Promise<void> {
  const { space, organization } = await lockLimitsOfSpace(trx, spaceGuid)
  const used = await usageOfProcesses(trx, { space, organization })
  const places = [
    { kind: 'space', limits: space.limits, used: used.space },
    { kind: 'organization', limits: organization.limits, used: used.organization },
  ]
  for (const place of memoryInMb < staging.minimumMemoryInMb ? [] : places)
    if (exceeds(place.used.memoryInMb + memoryInMb, place.limits.total_memory_in_mb))
      throw unprocessable(`${place.kind}'s memory limit exceeded: staging requires ${memoryInMb}M memory`)
  if (diskInMb > Math.max(staging.minimumDiskInMb, apps.maximumDiskInMb)) throw unprocessable('disk limit exceeded')
  for (const place of places)
    if (
      exceeds(
        place.used.logRateInBytesPerSecond + logRateInBytesPerSecond,
        place.limits.log_rate_limit_in_bytes_per_second,
      )
    )
      throw unprocessable(
        `${place.kind}'s log rate limit exceeded: staging requires ${logRateInBytesPerSecond} bytes per second`,
      )
}

import { tmpdir } from 'node:os'
import type { HttpSettings } from './http-server.ts'
import type { HttpOptions, ThreadPoolOptions } from './options.ts'
import type { PoolSettings } from './pool-settings.ts'

const mebibyte = 1024 * 1024

export function httpSettings(options: HttpOptions): HttpSettings {
  return {
    host: '127.0.0.1',
    port: 0,
    reusePort: false,
    headerLimitInBytes: 65_536,
    bodyLimitInBytes: 1024 * mebibyte,
    bodyInMemoryLimitInBytes: mebibyte,
    temporaryDirectory: tmpdir(),
    temporarySpaceReserveInBytes: 64 * mebibyte,
    queueLimit: 1000,
    perClientQueueShare: 0.5,
    pipelineLimit: 100,
    retryAfterInSeconds: 1,
    headerTimeoutInSeconds: 60,
    bodyIdleTimeoutInSeconds: 60,
    bodyTimeoutInSeconds: 3600,
    answerIdleTimeoutInSeconds: 60,
    keepAliveTimeoutInSeconds: 65,
    connectionLimit: Number.POSITIVE_INFINITY,
    answerInMemoryLimitInBytes: mebibyte,
    ...options,
  }
}

/** Unusable numbers are refused here, where the mistake was made, and not when the thousandth request meets them. */
export function poolSettings(
  name: 'request' | 'job',
  options: ThreadPoolOptions,
  shared: Pick<PoolSettings, 'perClientQueueShare' | 'setup'> & { readonly queueLimit: number },
): PoolSettings {
  const isJob = name === 'job'
  const settings: PoolSettings = {
    name,
    workerData: undefined,
    minimum: Math.min(isJob ? 1 : 4, options.maximum ?? Number.POSITIVE_INFINITY),
    maximum: Math.max(isJob ? 4 : 20, options.minimum ?? 0),
    growAfterWaitInMilliseconds: 50,
    spares: isJob ? 0 : 4,
    retireAfterIdleInSeconds: 30,
    startTimeoutInSeconds: 30,
    queueTimeoutInSeconds: isJob ? Number.POSITIVE_INFINITY : 60,
    perClientThreadShare: isJob ? 1 : 0.75,
    startAttempts: 5,
    retryStartAfterInSeconds: 30,
    demoteAfterInMilliseconds: 100,
    stackCaptureInMilliseconds: 500,
    ...shared,
    ...options,
    resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32, ...options.resourceLimits },
  }
  const { minimum, maximum } = settings
  if (!Number.isInteger(maximum) || maximum < 1)
    throw new RangeError(`${name} threads: maximum is ${maximum}, not a positive whole number`)
  if (!Number.isInteger(minimum) || minimum < 0 || minimum > maximum)
    throw new RangeError(`${name} threads: minimum is ${minimum}, not from 0 to the maximum of ${maximum}`)
  return settings
}

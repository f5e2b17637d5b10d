import { totalmem } from 'node:os'
import { z } from 'zod'

const positive = z.number().int().positive()

/** Who apps and buildpacks run as when the cell is started by root: a user of the host, or plain ids. */
export const RunAsConfig = z.union([
  z.object({ user: z.string().min(1) }),
  z.object({ uid: z.number().int().positive(), gid: z.number().int().positive() }),
])
export type RunAsConfig = z.infer<typeof RunAsConfig>

const Intervals = z.object({
  advertiseInMs: positive.default(5_000),
  heartbeatInMs: positive.default(10_000),
  routerRegisterInMs: positive.default(20_000),
  /** Between two looks at the memory and CPU of every instance. */
  usageSampleInMs: positive.default(1_000),
  diskSampleInMs: positive.default(10_000),
  containerMetricsInMs: positive.default(15_000),
  /** Between two probes of an instance that is not healthy yet. */
  startupProbeInMs: positive.default(100),
  /** Longest time that a log line waits to be sent with others. */
  logFlushInMs: positive.default(100),
})

const ArchiveLimits = z.object({
  maxEntries: positive.default(500_000),
  /** Of an unpacked app package or buildpack. */
  maxSizeInMb: positive.default(4_096),
  /** Unpacked over packed size, looked at once an archive has unpacked to more than 64 MB. */
  maxRatio: positive.default(300),
})
export type ArchiveLimits = z.infer<typeof ArchiveLimits>

export const CellConfig = z.object({
  nats: z.object({ url: z.string(), user: z.string().optional(), password: z.string().optional() }),
  /** Holds caches, records and the folders of instances. Only one cell at a time may use it. */
  dataDirectory: z.string().min(1),
  /** The address that routers reach the instances at. */
  host: z.string().default('127.0.0.1'),
  /** What instances and staging tasks may reserve together. */
  memoryInMb: positive.default(() => Math.max(1, Math.floor((totalmem() / 1024 ** 2) * 0.8))),
  /** As `memoryInMb`; by default 80 % of what is free in `dataDirectory` at start. */
  diskInMb: positive.optional(),
  stacks: z.array(z.string().min(1)).min(1).default(['cflinuxfs4']),
  zone: z.string().default('default'),
  /** Ports given to instances. The default lies above the ports that Linux gives to outgoing connections. */
  portRange: z
    .object({ first: positive.max(65_535), last: positive.max(65_535) })
    .refine((range) => range.first <= range.last, 'first must not be greater than last')
    .default({ first: 61_001, last: 65_000 }),
  /** Messages of another partition are left to the cells of that partition. */
  ccPartition: z.string().default('default'),
  stagingTimeoutInSeconds: z.number().positive().default(900),
  /** From SIGTERM to SIGKILL. */
  gracefulStopInSeconds: z.number().positive().default(10),
  /** For a start message that says nothing. */
  healthCheckTimeoutInSeconds: z.number().positive().default(60),
  /** Between two checks of a running instance, for a start message that says nothing. */
  healthCheckIntervalInSeconds: z.number().positive().default(30),
  crashLifetimeInSeconds: z.number().positive().default(3_600),
  runAs: RunAsConfig.default({ user: 'nobody' }),
  /** Directories added to the PATH of apps and buildpacks. By default those of node, npm and python3 that /usr/bin and the like lack. */
  toolPath: z.array(z.string()).optional(),
  dropletCacheInMb: positive.default(4_096),
  archives: ArchiveLimits.prefault({}),
  intervals: Intervals.prefault({}),
})
export type CellConfig = z.infer<typeof CellConfig>

import { join } from 'node:path'
import { z } from 'zod'

/** What an app, a staging task or an instance gets when the client does not say. */
const AppDefaults = z.object({
  memoryInMb: z.int().positive().default(1024),
  diskInMb: z.int().positive().default(1024),
  maximumDiskInMb: z.int().positive().default(2048),
  /** -1 is unlimited. */
  logRateLimitInBytesPerSecond: z.int().min(-1).default(1_048_576),
  healthCheckTimeoutInSeconds: z.int().positive().default(60),
  maximumHealthCheckTimeoutInSeconds: z.int().positive().default(180),
  fileDescriptors: z.int().positive().default(16_384),
  stack: z.string().default('cflinuxfs4'),
  sshEnabled: z.boolean().default(true),
})

const StagingSettings = z.object({
  minimumMemoryInMb: z.int().positive().default(1024),
  minimumDiskInMb: z.int().positive().default(4096),
  timeoutInSeconds: z.int().positive().default(900),
})

const PackageSettings = z.object({
  /** Files in this range are kept for resource matching. */
  minimumResourceSizeInBytes: z.int().min(0).default(65_536),
  maximumResourceSizeInBytes: z.int().positive().default(536_870_912),
  maximumSizeInBytes: z.int().positive().default(1_073_741_824),
  /** READY packages and STAGED droplets kept for an app beyond the current ones. */
  keptPerApp: z.int().positive().default(5),
})

const DeaSettings = z.object({
  /** An advertisement older than this does not count; the DEA advertises every 5 s. */
  advertisementTimeoutInSeconds: z.number().positive().default(15),
  heartbeatTimeoutInSeconds: z.number().positive().default(30),
  reconcileIntervalInSeconds: z.number().positive().default(5),
  /** A missing instance is started again after this long without a heartbeat, so that a slow one is not doubled. */
  missingInstanceDelayInSeconds: z.number().positive().default(15),
  /** Off where an external health manager asks for starts and stops. */
  reconcile: z.boolean().default(true),
  partition: z.string().default('default'),
})

const ThreadSettings = z.object({
  minimumRequestThreads: z.int().positive().default(2),
  maximumRequestThreads: z.int().positive().default(20),
  maximumJobThreads: z.int().positive().default(4),
  requestDeadlineInSeconds: z.number().positive().default(60),
  uploadDeadlineInSeconds: z.number().positive().default(900),
  jobDeadlineInSeconds: z.number().positive().default(1800),
})

const MetricsSettings = z.object({
  host: z.string().default('127.0.0.1'),
  /** Where Prometheus finds /metrics; 0 is any free port, null serves none. */
  port: z.int().min(0).max(65_535).nullable().default(null),
})

const CleanUpSettings = z.object({
  /** How often each controller looks whether there is something to clear away; one of them does it. */
  intervalInSeconds: z.number().positive().default(60),
  jobsKeptForDays: z.number().positive().default(90),
  auditEventsKeptForDays: z.number().positive().default(31),
  usageEventsKeptForDays: z.number().positive().default(31),
  buildsKeptPerApp: z.int().positive().default(100),
  /** A blob that no row names is removed when it is this old: younger ones may belong to a transaction that is on its way. */
  orphanedBlobsKeptForHours: z.number().positive().default(24),
})

/** Labels stand before a colon in what they sealed. */
const EncryptionKeysSettings = z
  .object({ current: z.string(), keys: z.record(z.string().regex(/^[^:]+$/), z.string().min(8)) })
  .refine(({ current, keys }) => current in keys, { error: 'current must be the label of one of the keys' })

export const CloudControllerConfig = z
  .object({
    host: z.string().default('127.0.0.1'),
    /** 0 is any free port. */
    port: z.int().min(0).max(65_535).default(8181),
    /** What links in answers begin with. Default: http://localhost:<port>. */
    externalUrl: z.url().optional(),
    /** What cells reach the controller by. Default: http://<host>:<port>. */
    internalUrl: z.url().optional(),
    dataDirectory: z.string().min(1),
    /** `postgres://…`, or the path of a SQLite file. Default: cloud-controller.db in the data directory. */
    databaseUrl: z
      .string()
      .refine((url) => !/^[a-z][a-z\d+.-]*:\/\//i.test(url) || /^postgres(ql)?:\/\//.test(url), {
        error: 'is neither a postgres:// URL nor the path of a SQLite file',
      })
      .optional(),
    nats: z.object({ url: z.string(), user: z.string().optional(), password: z.string().optional() }),
    uaa: z.object({
      /** What clients are told. */
      url: z.url(),
      /** What the controller itself uses. Default: `url`. */
      internalUrl: z.url().optional(),
      clientId: z.string(),
      clientSecret: z.string(),
    }),
    logCacheUrl: z.url().nullable().default(null),
    /** Shared domains that exist from the start; the first is the default. */
    appsDomains: z.array(z.string()).default(['apps.localhost']),
    /** Basic authentication of the cells at /staging. */
    stagingAuth: z.object({ username: z.string(), password: z.string() }),
    encryptionKeys: EncryptionKeysSettings,
    /** A folder with manifest.json and a folder for each system buildpack. */
    buildpacksDirectory: z.string().nullable().default(null),
    info: z
      .object({
        name: z.string().default('VCAP'),
        description: z.string().default('Cloud Foundry on one machine'),
        build: z.string().default(''),
        supportUrl: z.string().default(''),
      })
      .prefault({}),
    apps: AppDefaults.prefault({}),
    staging: StagingSettings.prefault({}),
    packages: PackageSettings.prefault({}),
    dea: DeaSettings.prefault({}),
    threads: ThreadSettings.prefault({}),
    /**
     * At the stop: how long `/healthz` says 503 while requests are still served, so that a load balancer looks away before the listener
     * closes. Longer than the balancer takes to notice.
     */
    drainInSeconds: z.number().min(0).max(8).default(0),
    metrics: MetricsSettings.prefault({}),
    cleanUp: CleanUpSettings.prefault({}),
  })
  .transform((config) => ({
    ...config,
    externalUrl: config.externalUrl ?? `http://localhost:${config.port}`,
    internalUrl: config.internalUrl ?? `http://${config.host}:${config.port}`,
    databaseUrl: config.databaseUrl ?? join(config.dataDirectory, 'cloud-controller.db'),
  }))

/** The configuration after defaults. Plain data, so that it can be handed to threads. */
export type Settings = z.output<typeof CloudControllerConfig>

import { z } from 'zod'

/**
 * The DEA protocol: what the Cloud Controller and the cells say to each other over NATS.
 * Shapes follow cloud_controller_ng and dea_ng of 2016 (message-bus fact sheet, sections 1, 4, 5 and 6); unknown fields are ignored.
 *
 * A process of v3 takes the place of an app of v2 on the bus: `droplet` carries the process guid. The web process of an
 * app has the app's own guid, so for an app with only a web process nothing differs from the original.
 */

export const subjects = {
  deaAdvertise: 'dea.advertise',
  deaShutdown: 'dea.shutdown',
  deaHeartbeat: 'dea.heartbeat',
  deaStop: 'dea.stop',
  deaUpdate: 'dea.update',
  deaFindDroplet: 'dea.find.droplet',
  /** Asks every DEA to advertise at once (dea_ng of 2015). */
  deaLocate: 'dea.locate',
  /** Asks every DEA for a heartbeat at once (dea_ng of 2015). */
  healthManagerStart: 'healthmanager.start',
  dropletExited: 'droplet.exited',
  stagingStop: 'staging.stop',
  deaStart: (deaId: string) => `dea.${deaId}.start`,
  stagingStart: (deaId: string) => `staging.${deaId}.start`,
} as const

/** Queue groups, so that exactly one of several Cloud Controllers reacts. */
export const queueGroups = { crashEvents: 'crash_event_registration', cloudControllers: 'cc' } as const

export const DeaAdvertisement = z.object({
  id: z.string().min(1),
  stacks: z.array(z.string()),
  /** MB that are free for instances and staging tasks. */
  available_memory: z.number(),
  /** MB; a DEA that does not say has enough. */
  available_disk: z.number().optional(),
  /** Instances of each process on this DEA, whatever their state. */
  app_id_to_count: z.record(z.string(), z.number()).default({}),
  placement_properties: z.object({ zone: z.string() }).optional(),
  url: z.string().nullish(),
})
export type DeaAdvertisement = z.infer<typeof DeaAdvertisement>

export const DeaShutdown = z.object({ id: z.string(), ip: z.string().optional(), version: z.string().optional() })
export type DeaShutdown = z.infer<typeof DeaShutdown>

export const HealthCheck = z.object({
  type: z.enum(['port', 'process', 'http']),
  /** Seconds until a starting instance must be healthy. */
  timeout: z.number().nullish(),
  /** Seconds that one probe may take. */
  invocation_timeout: z.number().nullish(),
  /** Seconds between probes of a running instance. */
  interval: z.number().nullish(),
  /** Path of an `http` check. */
  endpoint: z.string().nullish(),
})
export type HealthCheck = z.infer<typeof HealthCheck>

export const BoundService = z.object({
  name: z.string().nullable(),
  label: z.string(),
  tags: z.array(z.string()).default([]),
  plan: z.string().nullish(),
  provider: z.string().nullish(),
  credentials: z.unknown(),
  syslog_drain_url: z.string().nullish(),
  volume_mounts: z.array(z.unknown()).default([]),
  binding_guid: z.string().nullish(),
  binding_name: z.string().nullish(),
  instance_guid: z.string().nullish(),
  instance_name: z.string().nullish(),
})
export type BoundService = z.infer<typeof BoundService>

export const ResourceLimits = z.object({
  /** MB. */
  mem: z.number().int(),
  /** MB. */
  disk: z.number().int(),
  fds: z.number().int(),
  /** Bytes a second of app log; -1 or absent is unlimited. */
  log_rate: z.number().int().nullish(),
})
export type ResourceLimits = z.infer<typeof ResourceLimits>

export const Sidecar = z.object({ name: z.string(), command: z.string(), memory_in_mb: z.number().nullish() })
export type Sidecar = z.infer<typeof Sidecar>

/** `dea.<id>.start`: start one instance. */
export const StartMessage = z.object({
  /** Process guid. */
  droplet: z.string(),
  /** App guid: what logs and X-Cf-ApplicationID name. Absent from an older Cloud Controller, where it equals `droplet`. */
  app_guid: z.string().optional(),
  process_type: z.string().default('web'),
  name: z.string(),
  stack: z.string().nullish(),
  uris: z.array(z.string()),
  sha1: z.string().nullish(),
  executableUri: z.string().nullish(),
  version: z.string(),
  index: z.number().int().min(0),
  services: z.array(BoundService),
  limits: ResourceLimits,
  /** `K=V`. */
  env: z.array(z.string()),
  cc_partition: z.string(),
  start_command: z.string().nullish(),
  health_check_timeout: z.number().nullish(),
  health_check: HealthCheck.optional(),
  readiness_health_check: HealthCheck.partial({ type: true }).optional(),
  sidecars: z.array(Sidecar).default([]),
  vcap_application: z.record(z.string(), z.unknown()).default({}),
  egress_network_rules: z.array(z.unknown()).default([]),
})
export type StartMessage = z.infer<typeof StartMessage>

/** `dea.stop`: all filters that are present must match; an absent filter matches everything. Never publish an empty list. */
export const StopMessage = z.object({
  droplet: z.string(),
  version: z.string().optional(),
  indices: z.array(z.number().int()).optional(),
  instances: z.array(z.string()).optional(),
})
export type StopMessage = z.infer<typeof StopMessage>

/** `dea.update`: the complete new list of route URIs of a process, and the version that its running instances adopt. */
export const UpdateMessage = z.object({
  droplet: z.string(),
  uris: z.array(z.string()),
  version: z.string().optional(),
})
export type UpdateMessage = z.infer<typeof UpdateMessage>

export const InstanceState = z.enum([
  'BORN',
  'STARTING',
  'RUNNING',
  'STOPPING',
  'STOPPED',
  'CRASHED',
  'RESUMING',
  'EVACUATING',
])
export type InstanceState = z.infer<typeof InstanceState>

/** `dea.find.droplet`: every DEA answers once for each instance that matches, and is silent without one. */
export const FindDropletRequest = z.object({
  droplet: z.string(),
  version: z.string().optional(),
  states: z.array(z.string()).optional(),
  indices: z.array(z.number().int()).optional(),
  instance_ids: z.array(z.string()).optional(),
  include_stats: z.boolean().optional(),
})
export type FindDropletRequest = z.infer<typeof FindDropletRequest>

export const InstanceStats = z.object({
  name: z.string(),
  uris: z.array(z.string()),
  host: z.string(),
  port: z.number(),
  /** Whole seconds since STARTING. */
  uptime: z.number(),
  /** Bytes. */
  mem_quota: z.number(),
  /** Bytes. */
  disk_quota: z.number(),
  fds_quota: z.number(),
  usage: z.object({
    time: z.string(),
    /** Fraction of one core: 0.05 is 5 %. */
    cpu: z.number(),
    /** Use of the share of the DEA's cores that the instance's memory entitles it to: 1 is all of it. */
    cpu_entitlement: z.number().nullish(),
    /** Bytes. */
    mem: z.number(),
    /** Bytes. */
    disk: z.number(),
    /** Bytes a second. */
    log_rate: z.number().default(0),
  }),
})
export type InstanceStats = z.infer<typeof InstanceStats>

export const FindDropletReply = z.object({
  dea: z.string(),
  droplet: z.string(),
  version: z.string(),
  instance: z.string(),
  index: z.number().int(),
  state: InstanceState,
  /** Seconds since the epoch, with a fraction. */
  state_timestamp: z.number(),
  stats: InstanceStats.optional(),
  /** Why an instance is not running, in words for the user. */
  details: z.string().nullish(),
})
export type FindDropletReply = z.infer<typeof FindDropletReply>

export const HeartbeatInstance = z.object({
  cc_partition: z.string().optional(),
  droplet: z.string(),
  version: z.string(),
  instance: z.string(),
  index: z.number().int(),
  state: InstanceState,
  state_timestamp: z.number(),
})
export type HeartbeatInstance = z.infer<typeof HeartbeatInstance>

/** `dea.heartbeat`: every instance of a DEA in STARTING, RUNNING, CRASHED or EVACUATING; replaces what was known about that DEA. */
export const Heartbeat = z.object({ dea: z.string(), droplets: z.array(HeartbeatInstance) })
export type Heartbeat = z.infer<typeof Heartbeat>

export const DropletExited = z.object({
  cc_partition: z.string().optional(),
  droplet: z.string(),
  version: z.string(),
  instance: z.string(),
  index: z.number().int(),
  reason: z.string(),
  /** -1 when unknown or never started. */
  exit_status: z.number().int(),
  exit_description: z.string(),
  /** Whole seconds since the epoch; only for a crash. */
  crash_timestamp: z.number().optional(),
})
export type DropletExited = z.infer<typeof DropletExited>

import type { StartMessage } from '@vcap/protocol'
import { guidVariable } from '../processes/process-table.ts'
import { parseAssignments } from './assignments.ts'
import { databaseUrl, vcapServices } from './vcap-services.ts'

export interface InstancePlace {
  readonly guid: string
  /** The instance's own folder, which holds app, deps, profile.d, tmp and logs. */
  readonly directory: string
  readonly host: string
  readonly port: number
  readonly path: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/**
 * All of an instance's environment: what Cloud Foundry promises, then what the user has set, which wins. Nothing of the
 * cell's own. Only the instance guid can't be set by the user: by it the cell knows the instance's processes.
 * Source: dea_ng lib/dea/env.rb, lib/dea/starting/env.rb; buildpackapplifecycle launcher and env.
 */
export function instanceEnvironment(message: StartMessage, place: InstancePlace): Record<string, string> {
  const { guid, directory, host, port, path } = place
  const database = databaseUrl(message.services)
  return {
    PATH: path,
    LANG: 'en_US.UTF-8',
    USER: 'vcap',
    HOME: `${directory}/app`,
    TMPDIR: `${directory}/tmp`,
    DEPS_DIR: `${directory}/deps`,
    MEMORY_LIMIT: `${message.limits.mem}m`,
    PORT: String(port),
    VCAP_APP_HOST: '0.0.0.0',
    VCAP_APP_PORT: String(port),
    VCAP_APPLICATION: vcapApplication(message, place),
    VCAP_SERVICES: vcapServices(message.services),
    ...(database !== undefined && { DATABASE_URL: database }),
    CF_INSTANCE_INDEX: String(message.index),
    CF_INSTANCE_IP: host,
    CF_INSTANCE_INTERNAL_IP: host,
    CF_INSTANCE_PORT: String(port),
    CF_INSTANCE_ADDR: `${host}:${port}`,
    CF_INSTANCE_PORTS: JSON.stringify([{ external: port, internal: port }]),
    ...parseAssignments(message.env),
    [guidVariable]: guid,
  }
}

function vcapApplication(message: StartMessage, { guid, port, startedAt }: InstancePlace): string {
  const seconds = Math.floor(startedAt / 1000)
  const started = rubyTime(startedAt)
  return JSON.stringify({
    application_id: message.app_guid ?? message.droplet,
    application_name: message.name,
    application_uris: message.uris,
    application_version: message.version,
    name: message.name,
    process_id: message.droplet,
    process_type: message.process_type,
    uris: message.uris,
    version: message.version,
    limits: message.limits,
    users: null,
    ...message.vcap_application,
    instance_id: guid,
    instance_index: message.index,
    host: '0.0.0.0',
    port,
    started_at: started,
    started_at_timestamp: seconds,
    start: started,
    state_timestamp: seconds,
  })
}

/** `2016-05-31 16:06:52 +0000`, as DEAs write times. */
export function rubyTime(epochInMs: number): string {
  return `${new Date(epochInMs).toISOString().slice(0, 19).replace('T', ' ')} +0000`
}

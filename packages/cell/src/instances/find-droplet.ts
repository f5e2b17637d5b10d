import type { FindDropletReply, FindDropletRequest, InstanceStats } from '@vcap/protocol'
import { rubyTime } from '../environment/instance-environment.ts'
import type { Instance } from './instance.ts'

export interface InstanceFilter {
  readonly version?: string | undefined
  readonly indices?: readonly number[] | undefined
  readonly instances?: readonly string[] | undefined
}

/** Whether every filter that is there lets the instance pass. An empty list is no filter, as for the DEAs. */
export function matches(instance: Instance, { version, indices, instances }: InstanceFilter): boolean {
  return (
    (version === undefined || version === instance.version) &&
    (!indices?.length || indices.includes(instance.message.index)) &&
    (!instances?.length || instances.some((guid) => instance.isKnownAs(guid)))
  )
}

/** Whether the request is for this instance. A state that no DEA knows matches nothing. */
export function isAskedFor(instance: Instance, request: FindDropletRequest): boolean {
  const { droplet, version, indices, instance_ids: instances, states } = request
  return (
    droplet === instance.message.droplet &&
    matches(instance, { version, indices, instances }) &&
    (!states?.length || states.some((state) => state.toUpperCase() === instance.phase.state))
  )
}

export function findDropletReply(
  cellId: string,
  { host, entitledCores }: { host: string; entitledCores: number },
  instance: Instance,
  includeStats: boolean,
): FindDropletReply {
  const { phase, message } = instance
  return {
    dea: cellId,
    droplet: message.droplet,
    version: instance.version,
    instance: instance.guid,
    index: message.index,
    state: phase.state,
    state_timestamp: phase.since / 1000,
    ...(includeStats && phase.state === 'RUNNING' && { stats: statsOf(host, entitledCores, instance) }),
    ...(phase.state === 'CRASHED' && { details: phase.crash.description }),
  }
}

function statsOf(host: string, entitledCores: number, instance: Instance): InstanceStats {
  const { message, usage } = instance
  return {
    name: message.name,
    uris: [...instance.uris],
    host,
    port: instance.port,
    uptime: instance.uptimeInSeconds,
    mem_quota: message.limits.mem * 1024 ** 2,
    disk_quota: message.limits.disk * 1024 ** 2,
    fds_quota: message.limits.fds,
    usage: {
      time: rubyTime(Date.now()),
      cpu: usage?.cpu ?? 0,
      cpu_entitlement: (usage?.cpu ?? 0) / entitledCores,
      mem: usage?.memoryInBytes ?? 0,
      disk: usage?.diskInBytes ?? 0,
      log_rate: instance.log.measureRate(),
    },
  }
}

import type { FindDropletReply, HeartbeatInstance, InstanceState } from '@vcap/protocol'
import type { Bus } from '../bus/bus.ts'
import type { Row } from '../db/schema.ts'

/** States of an instance as clients see them. */
export type ReportedState = 'RUNNING' | 'STARTING' | 'CRASHED' | 'DOWN'

export interface ProcessInstance {
  readonly index: number
  readonly state: ReportedState
  /** Seconds in this state; null when there is no instance. */
  readonly since: number | null
}

/** One desired index and what is known of its instance. */
export interface InstanceReport {
  readonly index: number
  readonly state: ReportedState
  /** Whole seconds. */
  readonly uptime: number
  readonly guid: string | null
  readonly reply: FindDropletReply | undefined
}

type DesiredProcess = Pick<Row<'processes'>, 'guid' | 'state' | 'instances' | 'version'>

/** Every instance is known by heartbeat: this long for their answers, in case a DEA has just died. */
const knownInstancesTimeoutInMilliseconds = 1_000
/** Some are not: perhaps they were started since their DEA's last heartbeat, and then they answer at once. */
const unknownInstancesTimeoutInMilliseconds = 200
/** Those that answer with something to tell; of the others the heartbeats say enough. */
const livelyStates = ['BORN', 'STARTING', 'RESUMING', 'RUNNING', 'EVACUATING'] as const satisfies InstanceState[]

const reportedStates: Readonly<Record<InstanceState, ReportedState>> = {
  BORN: 'STARTING',
  STARTING: 'STARTING',
  RESUMING: 'STARTING',
  RUNNING: 'RUNNING',
  EVACUATING: 'RUNNING',
  CRASHED: 'CRASHED',
  STOPPING: 'DOWN',
  STOPPED: 'DOWN',
}

/**
 * State and statistics of each desired instance of a process, in order of index: from the DEAs themselves, of crashed ones
 * from the heartbeats, and DOWN where there is none. Blocks the thread while the DEAs answer.
 */
export function instanceReports(bus: Bus, process: DesiredProcess): InstanceReport[] {
  const isStarted = process.state === 'STARTED'
  const heartbeats = newestByIndex(process, isStarted ? desiredHeartbeats(bus, process) : [])
  const replies = newestByIndex(process, isStarted ? livelyInstances(bus, process, heartbeats) : [])
  return Array.from({ length: process.instances }, (_, index) => {
    const reply = replies.get(index)
    const known = reply ?? heartbeats.get(index)
    const state = known ? reportedStates[known.state] : 'DOWN'
    return {
      index,
      state,
      uptime: reply?.stats?.uptime ?? (known && state !== 'DOWN' ? secondsSince(known.state_timestamp) : 0),
      guid: known?.instance ?? null,
      reply,
    }
  })
}

/** Without the tail that was scaled away and is on its way out. */
function desiredHeartbeats(bus: Bus, process: DesiredProcess): HeartbeatInstance[] {
  return (heartbeatsOf(bus, [process])[process.guid] ?? []).filter(({ index }) => index < process.instances)
}

function livelyInstances(
  bus: Bus,
  process: DesiredProcess,
  heartbeats: ReadonlyMap<number, HeartbeatInstance>,
): FindDropletReply[] {
  const crashed = [...heartbeats.values()].filter((instance) => reportedStates[instance.state] === 'CRASHED').length
  const expected = process.instances - crashed
  if (expected === 0) return []
  const allKnown = heartbeats.size >= process.instances
  return bus.scheduleSync(
    'dea.find',
    { droplet: process.guid, version: process.version, states: [...livelyStates], include_stats: true },
    {
      expected,
      timeoutInMilliseconds: allKnown ? knownInstancesTimeoutInMilliseconds : unknownInstancesTimeoutInMilliseconds,
    },
  )
}

/** State of the instances of many processes from the heartbeats alone, by process guid: one call for all. */
export function processInstances(
  bus: Bus,
  processes: readonly DesiredProcess[],
): ReadonlyMap<string, ProcessInstance[]> {
  const heartbeats = heartbeatsOf(bus, processes)
  return new Map(
    processes.map((process) => {
      const known = newestByIndex(process, heartbeats[process.guid] ?? [])
      const count = Math.max(process.instances, known.size)
      return [
        process.guid,
        Array.from({ length: count }, (_, index) => processInstance(process, index, known.get(index))),
      ]
    }),
  )
}

function processInstance(
  process: DesiredProcess,
  index: number,
  known: HeartbeatInstance | undefined,
): ProcessInstance {
  if (!known || process.state === 'STOPPED') return { index, state: 'DOWN', since: null }
  return { index, state: reportedStates[known.state], since: secondsSince(known.state_timestamp) }
}

function heartbeatsOf(bus: Bus, processes: readonly DesiredProcess[]): Record<string, HeartbeatInstance[]> {
  if (processes.length === 0) return {}
  return bus.scheduleSync(
    'dea.instances',
    processes.map((process) => process.guid),
  )
}

/** Of several instances of an index the newest counts; those of another version are on their way out. */
function newestByIndex<I extends HeartbeatInstance | FindDropletReply>(
  { version }: DesiredProcess,
  instances: readonly I[],
): Map<number, I> {
  const newest = new Map<number, I>()
  for (const instance of instances) {
    if (instance.version !== version) continue
    const other = newest.get(instance.index)
    if (!other || other.state_timestamp < instance.state_timestamp) newest.set(instance.index, instance)
  }
  return newest
}

const secondsSince = (epochInSeconds: number): number => Math.max(0, Math.floor(Date.now() / 1000 - epochInSeconds))

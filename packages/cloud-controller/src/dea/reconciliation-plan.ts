import type { StopMessage } from '@vcap/protocol'
import type { ActualState } from '../bus/bus.ts'
import { restartDelayInSeconds } from './crash-back-off.ts'

/** A process that should run. */
export interface DesiredProcess {
  readonly guid: string
  readonly version: string
  readonly instances: number
  /** Milliseconds since the epoch; whoever changed the process then is starting its instances. */
  readonly changedAt: number
}

/** What is remembered of an instance that crashed. */
export interface InstanceCrash {
  readonly processGuid: string
  readonly version: string
  readonly index: number
  readonly crashCount: number
  /** Milliseconds since the epoch. */
  readonly lastCrashAt: number
}

export interface ReconciliationInput {
  readonly desired: readonly DesiredProcess[]
  readonly actual: ActualState
  readonly crashes: readonly InstanceCrash[]
  readonly now: number
  readonly missingInstanceDelayInMilliseconds: number
}

export interface ReconciliationPlan {
  readonly starts: ReadonlyArray<{ readonly processGuid: string; readonly index: number }>
  readonly stops: readonly StopMessage[]
}

type Instance = ActualState['instances'][number]

const aliveStates = new Set(['BORN', 'STARTING', 'RUNNING', 'RESUMING'])

/**
 * Compares desired and actual: starts what is missing or has waited long enough after a crash, stops what nobody wants (no
 * such process, an index too high, an old version, a double). What was just ordered is left alone. Rules after HM9000's
 * analyzer; unlike it, an old version is stopped while the new one starts, so that a change does not wait for a pass.
 */
export function planReconciliation(input: ReconciliationInput): ReconciliationPlan {
  const byProcess = Map.groupBy(input.actual.instances, (instance) => instance.droplet)
  const desired = new Map(input.desired.map((process) => [process.guid, process]))
  return {
    starts: input.desired.flatMap((process) =>
      indicesToStart(process, byProcess.get(process.guid) ?? [], input).map((index) => ({
        processGuid: process.guid,
        index,
      })),
    ),
    stops: [...byProcess].flatMap(([guid, instances]) => {
      const surplus = surplusInstances(desired.get(guid), instances.filter(isAlive), input)
      return surplus.length === 0 ? [] : [{ droplet: guid, instances: surplus.map((instance) => instance.instance) }]
    }),
  }
}

const isAlive = (instance: Instance): boolean => aliveStates.has(instance.state)

function indicesToStart(process: DesiredProcess, instances: readonly Instance[], input: ReconciliationInput): number[] {
  const justChanged = input.now - process.changedAt < input.missingInstanceDelayInMilliseconds
  return Array.from({ length: process.instances }, (_, index) => index).filter((index) => {
    const here = instances.filter((instance) => instance.index === index && instance.version === process.version)
    if (here.some(isAlive) || isPending(process, index, input)) return false
    const crash = input.crashes.find(
      (known) => known.processGuid === process.guid && known.version === process.version && known.index === index,
    )
    if (crash) return input.now - crash.lastCrashAt >= restartDelayInSeconds(crash.crashCount) * 1000
    // A crash that is not written down yet: the next pass knows its count.
    if (
      here.some(
        (instance) =>
          instance.state === 'CRASHED' &&
          input.now - instance.state_timestamp * 1000 < input.missingInstanceDelayInMilliseconds,
      )
    )
      return false
    return !justChanged
  })
}

function isPending({ guid, version }: DesiredProcess, index: number, { actual }: ReconciliationInput): boolean {
  return actual.pendingStarts.some(
    (start) => start.processGuid === guid && start.version === version && start.index === index,
  )
}

function surplusInstances(
  process: DesiredProcess | undefined,
  alive: readonly Instance[],
  { actual }: ReconciliationInput,
): Instance[] {
  if (!process) {
    // Started by a request whose transaction this pass has not seen yet.
    return alive.filter((instance) => !actual.pendingStarts.some((start) => start.processGuid === instance.droplet))
  }
  const unwanted = alive.filter(
    (instance) =>
      (instance.version !== process.version || instance.index >= process.instances) &&
      !actual.pendingStarts.some((start) => start.processGuid === process.guid && start.version === instance.version),
  )
  return [
    ...unwanted,
    ...doubles(alive.filter((instance) => instance.version === process.version && instance.index < process.instances)),
  ]
}

/** All but the oldest running one of each index. */
function doubles(instances: readonly Instance[]): Instance[] {
  return [...Map.groupBy(instances, (instance) => instance.index).values()].flatMap((same) =>
    same.toSorted(runningAndOldFirst).slice(1),
  )
}

function runningAndOldFirst(a: Instance, b: Instance): number {
  return Number(b.state === 'RUNNING') - Number(a.state === 'RUNNING') || a.state_timestamp - b.state_timestamp
}

import { availableParallelism, cpus } from 'node:os'

/** Shorter windows say little: systems count processor time in steps of ten milliseconds. */
const windowInMilliseconds = 100
/** Between the two it stays as it was, or it would change with every step that is taken because of it. */
const saturatedFrom = 0.8
const saturatedUntil = 0.6

/** Processor time since some beginning. All in milliseconds. */
export interface ProcessorTimes {
  readonly at: number
  /** Of this process, all threads. */
  readonly own: number
  /** Of the whole machine. */
  readonly idle: number
  readonly all: number
}

/**
 * Whether the processors have anything left to give. Counts the whole machine, because a database beside us needs it too, and this process's
 * share of what it is allowed, because in a container the machine's idle processors are not ours.
 */
export class ProcessorLoad {
  readonly #now: () => number
  readonly #read: () => ProcessorTimes
  #last: ProcessorTimes
  #isSaturated = false

  constructor(now: () => number = () => performance.now(), read: () => ProcessorTimes = processorTimes) {
    this.#now = now
    this.#read = read
    this.#last = read()
  }

  /** In the last tenth of a second, or since it was last asked if that is longer ago. Cheap to ask at any time. */
  get isSaturated(): boolean {
    const { at, own, idle, all } = this.#last
    if (this.#now() - at < windowInMilliseconds) return this.#isSaturated
    const times = this.#read()
    this.#last = times
    const ownShare = (times.own - own) / (times.at - at) / availableParallelism()
    const machineShare = 1 - (times.idle - idle) / Math.max(1, times.all - all)
    this.#isSaturated = Math.max(ownShare, machineShare) >= (this.#isSaturated ? saturatedUntil : saturatedFrom)
    return this.#isSaturated
  }
}

function processorTimes(): ProcessorTimes {
  const { user, system } = process.cpuUsage()
  let idle = 0
  let all = 0
  for (const { times } of cpus()) {
    idle += times.idle
    all += times.user + times.nice + times.sys + times.idle + times.irq
  }
  return { at: performance.now(), own: (user + system) / 1000, idle, all }
}

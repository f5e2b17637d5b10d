import { availableParallelism } from 'node:os'
import { warmAfterTasks } from './idle-threads.ts'
import type { PoolSettings } from './pool-settings.ts'
import type { PoolThread } from './pool-thread.ts'
import type { ProcessorLoad } from './processor-load.ts'
import { Traffic } from './traffic.ts'

const processors = availableParallelism()
/** A task that has taken longer may be waiting for something, or compute for long; others go on beside it. */
const shortTaskInMilliseconds = 20
/** On a machine at its limit even a short task takes some time. In units of the time after which a pool grows. */
const stuckAfterWaits = 4

type Threads = ReadonlySet<Pick<PoolThread, 'phase' | 'since' | 'tasksFinished'>>
type Settings = Pick<PoolSettings, 'minimum' | 'maximum' | 'spares' | 'growAfterWaitInMilliseconds'>

/**
 * How many threads should work, and how many there should be. Threads that wait (for a database, for the reactor) need others beside them. Threads
 * that only compute do not: once the processors are busy, more of them take turns, each with its own machine code to be compiled and its own
 * caches to be filled, and all together do less.
 */
export class PoolSize {
  /** How soon to ask again whether one more may work. */
  readonly askAgainInMilliseconds = shortTaskInMilliseconds
  readonly #settings: Settings
  readonly #load: Pick<ProcessorLoad, 'isSaturated'>
  readonly #traffic = new Traffic()

  constructor(settings: Settings, load: Pick<ProcessorLoad, 'isSaturated'>) {
    this.#settings = settings
    this.#load = load
  }

  /** To be called for each task that a thread gets. */
  countTask(): void {
    this.#traffic.count()
  }

  /** How many threads there should be while none is stuck. */
  get wanted(): number {
    const { minimum, maximum, spares } = this.#settings
    return Math.min(maximum, minimum + (this.#traffic.isDense ? spares : 0))
  }

  /** Whether an idle thread should take a task now, or leave it to one of those at work. */
  mayOneMoreWork(threads: Threads): boolean {
    return !this.#load.isSaturated || busy(threads, shortTaskInMilliseconds) < processors
  }

  /** Whether to add a thread when a task has waited for too long: the processors have time left, or too few threads move to use it. */
  isTooSmall(threads: Threads): boolean {
    return !this.#load.isSaturated || this.#moving(threads) < processors
  }

  /** Whether to add a thread before any task has waited. */
  isOneMissing(threads: Threads): boolean {
    const { spares, maximum } = this.#settings
    if (spares === 0 || threads.size === 0 || threads.size >= maximum) return false
    // One spare after the other: a thread that starts, or is cold, takes processor time from the others.
    return this.#areAllStuck(threads) || (threads.size < this.wanted && areAllWarm(threads))
  }

  /** Whether all threads have been busy with one task for so long that they must be blocked, or compute without an end. */
  #areAllStuck(threads: Threads): boolean {
    return this.#moving(threads) === 0
  }

  /** Threads that are at work or free for it, not stuck. */
  #moving(threads: Threads): number {
    return threads.size - busy(threads) + busy(threads, stuckAfterWaits * this.#settings.growAfterWaitInMilliseconds)
  }
}

/** Threads that have been busy with one task for less than so long. */
function busy(threads: Threads, forLessThan = Number.POSITIVE_INFINITY): number {
  const after = performance.now() - forLessThan
  let count = 0
  for (const thread of threads) if (thread.phase === 'busy' && (thread.since ?? 0) > after) count++
  return count
}

/** Threads that start are cold. */
function areAllWarm(threads: Threads): boolean {
  for (const { tasksFinished } of threads) if (tasksFinished < warmAfterTasks) return false
  return true
}

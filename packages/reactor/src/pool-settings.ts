import type { ResourceLimits } from 'node:worker_threads'
import type { ThreadSetup } from './messages.ts'
import type { ThreadPoolOptions } from './options.ts'

/** Options with their defaults filled in. */
export type PoolSettings = Required<Omit<ThreadPoolOptions, 'workerData' | 'resourceLimits'>> & {
  readonly name: string
  readonly workerData: unknown
  readonly resourceLimits: ResourceLimits
  readonly perClientQueueShare: number
  readonly setup: Omit<ThreadSetup, 'replies' | 'signal'>
}

export interface ThreadCounts {
  readonly starting: number
  readonly idle: number
  /** Working, but not blocked on the reactor. */
  readonly busy: number
  /** In scheduleSync. */
  readonly blocked: number
  /** Told to end, not gone yet. */
  readonly ending: number
  readonly queued: number
}

/** Tells the metrics what happens. */
export interface PoolObserver {
  onQueueWait(milliseconds: number): void
  onThreadGone(reason: string): void
}

import type { Logger } from 'pino'
import type { PoolSettings } from './pool-settings.ts'
import type { PoolThread } from './pool-thread.ts'
import { ProcessorAffinity } from './processor-affinity.ts'
import type { ProcessorLoad } from './processor-load.ts'
import { ThreadPriority } from './thread-priority.ts'

type Thread = Pick<PoolThread, 'phase' | 'since' | 'operatingSystemThreadId'>

/** Where a priority can't be raised again a thread is replaced after each such task; that must not happen all the time. */
const leastDemoteAfterInMilliseconds = 1000
/** Other processes have to be started to confine a thread: only for tasks that take really long. In units of demoteAfter. */
const confineAfterDemotions = 3

type Affinity = Pick<ProcessorAffinity, 'isUseful' | 'leaveOneAlone' | 'restore' | 'stop'>

/**
 * Makes threads that have been at one task for long give way to the others, the reactor first. They get the lowest priority; and when the
 * processors have nothing left to give, one of these is kept free of them, because the kernel lets even a thread of lowest priority finish its
 * time slice before one that has something to do gets its turn, up to 4 ms each time.
 */
export class LongTasks {
  readonly #demoteAfterInMilliseconds: number
  readonly #load: Pick<ProcessorLoad, 'isSaturated'>
  readonly #logger: Pick<Logger, 'warn'>
  readonly #priority = new ThreadPriority()
  readonly #affinity: Affinity
  readonly #demoted = new Set<Thread>()
  /** With what is being done to get them there. */
  readonly #confined = new Map<Thread, Promise<void>>()
  #canConfine: boolean

  constructor(
    { demoteAfterInMilliseconds }: Pick<PoolSettings, 'demoteAfterInMilliseconds'>,
    load: Pick<ProcessorLoad, 'isSaturated'>,
    logger: Pick<Logger, 'warn'>,
    affinity: Affinity = new ProcessorAffinity(),
  ) {
    this.#demoteAfterInMilliseconds = demoteAfterInMilliseconds
    this.#load = load
    this.#logger = logger
    this.#affinity = affinity
    this.#canConfine = affinity.isUseful
  }

  /** To be called every now and then. */
  look(threads: ReadonlySet<Thread>): void {
    const now = performance.now()
    const demoteBefore = now - this.#demoteAfter
    const confineBefore = now - confineAfterDemotions * this.#demoteAfter
    for (const thread of threads) {
      if (thread.phase !== 'busy' || thread.since === undefined) continue
      if (thread.since < demoteBefore) this.#demote(thread)
      if (thread.since < confineBefore && this.#load.isSaturated) this.#confine(thread)
    }
  }

  /** The thread's task is done. False if the thread can't be as it was before, and has to be replaced. */
  release(thread: Thread): boolean {
    this.#free(thread)
    return !this.#demoted.delete(thread) || this.#priority.restore(thread.operatingSystemThreadId)
  }

  /** The thread ends; at a low priority that would take longer. */
  forget(thread: Thread): void {
    this.#confined.delete(thread)
    if (this.#demoted.delete(thread) && this.#priority.canRestore)
      this.#priority.restore(thread.operatingSystemThreadId)
  }

  stop(): void {
    this.#affinity.stop()
  }

  get #demoteAfter(): number {
    if (this.#priority.canRestore) return this.#demoteAfterInMilliseconds
    return Math.max(leastDemoteAfterInMilliseconds, this.#demoteAfterInMilliseconds)
  }

  #demote(thread: Thread): void {
    if (!this.#demoted.has(thread) && this.#priority.demote(thread.operatingSystemThreadId)) this.#demoted.add(thread)
  }

  #confine(thread: Thread): void {
    if (this.#confined.has(thread) || !this.#canConfine) return
    const confined = this.#affinity.leaveOneAlone(thread.operatingSystemThreadId)
    this.#confined.set(thread, confined.catch(this.#giveUp))
  }

  #free(thread: Thread): void {
    const confined = this.#confined.get(thread)
    this.#confined.delete(thread)
    confined?.then(() => this.#affinity.restore(thread.operatingSystemThreadId)).catch(this.#giveUp)
  }

  readonly #giveUp = (error: unknown): void => {
    if (!this.#canConfine) return
    this.#canConfine = false
    this.#logger.warn({ err: error }, 'long tasks can not be kept off a processor, as taskset does not do it')
  }
}

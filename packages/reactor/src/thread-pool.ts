import { availableParallelism } from 'node:os'
import type { Logger } from 'pino'
import { deleteFile } from './body-intake.ts'
import { ClientShares } from './client-shares.ts'
import { ThreadStartFailed } from './errors.ts'
import { FairQueue } from './fair-queue.ts'
import { IdleThreads } from './idle-threads.ts'
import { LongTasks } from './long-tasks.ts'
import type { OperationServer } from './operation-server.ts'
import type { PoolObserver, PoolSettings, ThreadCounts } from './pool-settings.ts'
import { PoolSize } from './pool-size.ts'
import { PoolThread, type PoolThreadEvents, type ThreadEnd } from './pool-thread.ts'
import { ProcessorLoad } from './processor-load.ts'
import type { Task } from './task.ts'

const firstRestartPauseInMilliseconds = 100
/** For all threads of a stopping pool. Longer than a thread gets to end by itself. */
const endWithinInMilliseconds = 6000
const lookForSlowEveryInMilliseconds = 50
/** Starting costs CPU that the running threads need. */
const startsAtOnce = availableParallelism()

/**
 * Threads of one kind and the queue in front of them. The thread that was used last is used first, so that a few hot ones do the work. How many
 * of them work, and whether one is added when a task has waited, is for PoolSize to say.
 */
export class ThreadPool implements PoolThreadEvents {
  readonly #settings: PoolSettings
  readonly #operations: OperationServer
  readonly #logger: Logger
  readonly #observer: PoolObserver
  readonly #queue: FairQueue<Task>
  /** Starting, idle or busy. */
  readonly #threads = new Set<PoolThread>()
  readonly #ending = new Set<PoolThread>()
  readonly #idle: IdleThreads
  readonly #shares: ClientShares
  readonly #size: PoolSize
  #starting = 0
  #sequence = 0
  #failedStarts = 0
  #mayStartAt = 0
  #queueTimer: NodeJS.Timeout | undefined
  #restartTimer: NodeJS.Timeout | undefined
  readonly #retireTimer: NodeJS.Timeout
  readonly #longTasks: LongTasks
  readonly #slowTimer: NodeJS.Timeout
  readonly #firstReady = Promise.withResolvers<void>()
  readonly #warm = Promise.withResolvers<void>()
  #stopped = false
  #drained: (() => void) | undefined

  constructor(settings: PoolSettings, operations: OperationServer, logger: Logger, observer: PoolObserver) {
    this.#settings = settings
    this.#operations = operations
    this.#logger = logger.child({ pool: settings.name })
    this.#observer = observer
    this.#queue = new FairQueue(settings.queueLimit, settings.perClientQueueShare)
    this.#shares = new ClientShares(settings.maximum, settings.perClientThreadShare)
    const load = new ProcessorLoad()
    this.#idle = new IdleThreads(load)
    this.#size = new PoolSize(settings, load)
    this.#longTasks = new LongTasks(settings, load, this.#logger)
    const retireEvery = Math.min(1000, Math.max(20, settings.retireAfterIdleInSeconds * 500))
    this.#retireTimer = setInterval(() => this.#retireIdle(), retireEvery)
    this.#retireTimer.unref()
    this.#slowTimer = setInterval(() => this.#lookForSlow(), lookForSlowEveryInMilliseconds)
    this.#slowTimer.unref()
    // Whoever does not ask for these must not be killed by them.
    this.#firstReady.promise.catch(() => undefined)
    this.#warm.promise.catch(() => undefined)
  }

  /** Starts one thread, then the others up to the minimum. Resolves with the first; rejects with ThreadStartFailed. */
  start(): Promise<void> {
    this.#startThread()
    return this.#firstReady.promise
  }
  /** Resolves when the minimum of threads has been started. */
  get warm(): Promise<void> {
    if (this.#settings.minimum === 0) this.#warm.resolve()
    return this.#warm.promise
  }

  counts(): ThreadCounts {
    let busy = 0
    let blocked = 0
    for (const thread of this.#threads) {
      if (thread.phase !== 'busy') continue
      if (thread.waiting) blocked++
      else busy++
    }
    return {
      starting: this.#starting,
      idle: this.#idle.length,
      busy,
      blocked,
      ending: this.#ending.size,
      queued: this.#queue.length,
    }
  }

  /** Whether a task of this client would be taken now. */
  hasRoomFor(client: string): boolean {
    return !this.#stopped && (this.#idle.length > 0 || this.#queue.hasRoomFor(client))
  }

  /** Runs a task, now or when its turn comes. If it is refused, its `onFault` is called at once. */
  submit(task: Task): void {
    if (this.#stopped) {
      task.onFault('stopping')
      return
    }
    if (this.#threads.size === 0) {
      if (!this.#mayStart()) {
        task.onFault('no-threads')
        return
      }
      this.#startThread()
    }
    task.queuedAt = performance.now()
    if (this.#mayGive() && this.#isNext(task)) {
      const thread = this.#idle.take()
      if (thread) {
        this.#give(thread, task)
        return
      }
    }
    if (!this.#queue.hasRoomFor(task.client)) {
      task.onFault('overloaded')
      return
    }
    this.#queue.push(task)
    this.#watchQueue(this.#nextLookInMilliseconds)
  }

  /** Takes a task back that no thread has yet. False if one has. */
  cancel(task: Task): boolean {
    const removed = this.#queue.remove(task)
    this.#checkDrained()
    return removed
  }

  /** Waits until nothing is queued or running, at most so long; then ends all threads. Whatever is left fails with 'stopping'. */
  async stop(limitInMilliseconds: number): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve
    })
    this.#checkDrained()
    const timer = setTimeout(() => this.#drained?.(), limitInMilliseconds)
    await drained
    clearTimeout(timer)
    this.#stopped = true
    clearTimeout(this.#queueTimer)
    clearTimeout(this.#restartTimer)
    clearInterval(this.#retireTimer)
    clearInterval(this.#slowTimer)
    this.#longTasks.stop()
    for (const task of this.#queue.takeQueuedBefore()) task.onFault('stopping')
    const ends = [...this.#ending].map((thread) => thread.end('stopping'))
    ends.push(...[...this.#threads].map((thread) => thread.retire()))
    await this.#allOrTooLate(ends)
    this.#firstReady.reject(new ThreadStartFailed(this.#settings.name, 'the pool was stopped'))
    this.#warm.reject(new ThreadStartFailed(this.#settings.name, 'the pool was stopped'))
  }

  /** A thread in native code, such as a long SQLite statement, does not end before that returns; it must not hold up the process's end. */
  async #allOrTooLate(ends: readonly Promise<void>[]): Promise<void> {
    const tooLate = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      const threads = [...this.#ending].map((thread) => thread.name)
      this.#logger.warn({ threads }, 'threads that do not end are left behind')
      tooLate.resolve()
    }, endWithinInMilliseconds)
    await Promise.race([Promise.all(ends), tooLate.promise])
    clearTimeout(timer)
  }

  onIdle(thread: PoolThread, finished: Task | undefined): void {
    if (finished) {
      this.#failedStarts = 0
      this.#shares.giveBack(finished.client)
    } else {
      this.#starting--
      this.#firstReady.resolve()
      if (this.#threads.size - this.#starting >= this.#settings.minimum) this.#warm.resolve()
    }
    if (!this.#longTasks.release(thread)) {
      this.#replace(thread)
      return
    }
    this.#idle.push(thread)
    this.#giveQueued()
    this.#checkDrained()
    if (!finished) this.#ensureMinimum()
  }

  onLeaving(thread: PoolThread): void {
    if (thread.phase === 'starting') this.#starting--
    this.#idle.remove(thread)
    if (thread.task) this.#shares.giveBack(thread.task.client)
    this.#longTasks.forget(thread)
    this.#threads.delete(thread)
    this.#ending.add(thread)
  }

  onOverrun(thread: PoolThread, task: Task, stack: string): void {
    this.#logger.error(
      { ...task.describe(), deadlineInSeconds: task.deadlineInSeconds, thread: thread.name, stack },
      'a task overran its deadline; its thread is ended',
    )
    this.#ensureMinimum()
  }

  onUnwantedFile(path: string): void {
    deleteFile(path).catch((error: unknown) =>
      this.#logger.error({ err: error }, 'a temporary file could not be deleted'),
    )
  }

  onGone(thread: PoolThread, { reason, wasStarting, cause, task }: ThreadEnd): void {
    this.#ending.delete(thread)
    this.#observer.onThreadGone(wasStarting ? 'not-started' : reason)
    const crashed = reason === 'crashed' || reason === 'out-of-memory'
    if (crashed) {
      const details = { err: cause, thread: thread.name, wasStarting, ...task?.describe() }
      this.#logger.error(details, 'a thread ended by itself')
    }
    // One that dies before its first task is no better than one that does not start.
    if (wasStarting || (crashed && thread.tasksFinished === 0 && !task)) this.#startFailed(cause)
    else this.#ensureMinimum()
    this.#checkDrained()
  }

  #startFailed(cause: unknown): void {
    if (this.#stopped) return
    const { startAttempts, retryStartAfterInSeconds, name } = this.#settings
    this.#failedStarts++
    if (this.#failedStarts < startAttempts) {
      const pause = firstRestartPauseInMilliseconds * 2 ** (this.#failedStarts - 1)
      this.#mayStartAt = performance.now() + pause
      clearTimeout(this.#restartTimer)
      this.#restartTimer = setTimeout(() => {
        // A timer may fire a little before its time.
        this.#mayStartAt = 0
        this.#ensureMinimum()
      }, pause)
      return
    }
    this.#mayStartAt = performance.now() + retryStartAfterInSeconds * 1000
    const error = new ThreadStartFailed(name, `${this.#failedStarts} attempts failed`, cause)
    this.#logger.error({ err: error, threads: this.#threads.size }, 'threads can not be started; giving up for now')
    this.#firstReady.reject(error)
    this.#warm.reject(error)
    if (this.#threads.size === 0) for (const task of this.#queue.takeQueuedBefore()) task.onFault('no-threads', error)
  }

  #startThread(): void {
    const { name, module, workerData, setup, resourceLimits } = this.#settings
    this.#starting++
    const thread = new PoolThread(
      {
        module,
        name: `${name}-${++this.#sequence}`,
        workerData,
        setup,
        resourceLimits,
        startTimeoutInMilliseconds: this.#settings.startTimeoutInSeconds * 1000,
        stackCaptureInMilliseconds: this.#settings.stackCaptureInMilliseconds,
      },
      this.#operations,
      this,
    )
    this.#threads.add(thread)
  }

  #ensureMinimum(): void {
    // While starts fail, one attempt at a time is enough to see whether they still do.
    const atOnce = this.#failedStarts > 0 ? 1 : this.#settings.minimum
    const wanted = Math.max(this.#settings.minimum, this.#queue.length > 0 ? 1 : 0)
    while (this.#threads.size < wanted && this.#starting < atOnce && this.#mayStart()) this.#startThread()
  }

  /** Threads that can't be ended yet (native code) count, so that they can't pile up beyond another maximum. */
  #mayStart(): boolean {
    return !this.#stopped && this.#ending.size < this.#settings.maximum && performance.now() >= this.#mayStartAt
  }

  /** Whether the task may have a thread before anything that waits. */
  #isNext({ client }: Task): boolean {
    const { mayHaveOneMore } = this.#shares
    if (!mayHaveOneMore(client)) return false
    return this.#queue.length === 0 || this.#queue.oldestQueuedAt(mayHaveOneMore) === undefined
  }

  #mayGive(): boolean {
    return this.#idle.length > 0 && this.#size.mayOneMoreWork(this.#threads)
  }

  #giveQueued(): void {
    while (this.#queue.length > 0 && this.#mayGive()) {
      const task = this.#queue.take(this.#shares.mayHaveOneMore)
      const thread = task && this.#idle.take()
      if (!thread) return
      this.#give(thread, task)
    }
  }

  #give(thread: PoolThread, task: Task): void {
    this.#shares.take(task.client)
    this.#size.countTask()
    this.#observer.onQueueWait(performance.now() - task.queuedAt)
    thread.give(task)
  }

  /** Looks at the queue again after so long, as long as something is in it. */
  #watchQueue(milliseconds: number): void {
    this.#queueTimer ??= setTimeout(() => {
      this.#queueTimer = undefined
      const again = this.#lookAtQueue()
      if (this.#queue.length > 0) this.#watchQueue(again)
    }, milliseconds)
  }

  /** A thread that is idle waits for its turn to work. */
  get #nextLookInMilliseconds(): number {
    const { growAfterWaitInMilliseconds } = this.#settings
    return this.#idle.length > 0 ? this.#size.askAgainInMilliseconds : growAfterWaitInMilliseconds
  }

  #lookAtQueue(): number {
    const { queueTimeoutInSeconds, growAfterWaitInMilliseconds, maximum } = this.#settings
    this.#giveQueued()
    const now = performance.now()
    for (const task of this.#queue.takeQueuedBefore(now - queueTimeoutInSeconds * 1000)) task.onFault('overloaded')
    this.#checkDrained()
    const oldest = this.#queue.oldestQueuedAt(this.#shares.mayHaveOneMore)
    const waited = oldest === undefined ? 0 : now - oldest
    if (waited < growAfterWaitInMilliseconds)
      return Math.min(this.#nextLookInMilliseconds, Math.ceil(growAfterWaitInMilliseconds - waited))
    const mayGrow = this.#threads.size < maximum && this.#starting < startsAtOnce && this.#mayStart()
    if (mayGrow && this.#idle.length === 0 && this.#size.isTooSmall(this.#threads)) this.#startThread()
    return this.#nextLookInMilliseconds
  }

  #retireIdle(): void {
    const before = performance.now() - this.#settings.retireAfterIdleInSeconds * 1000
    for (const thread of [...this.#idle].filter((each) => (each.since ?? 0) < before)) {
      if (this.#threads.size <= this.#size.wanted) return
      // The last idle one is there for those who come while all others are stuck.
      if (this.#settings.spares > 0 && this.#idle.length === 1 && this.#threads.size > 1) return
      void thread.retire()
    }
  }

  #lookForSlow(): void {
    this.#longTasks.look(this.#threads)
    if (this.#size.isOneMissing(this.#threads) && this.#mayStart()) this.#startThread()
  }

  #replace(idle: PoolThread): void {
    void idle.retire()
    this.#ensureMinimum()
    this.#checkDrained()
  }

  #checkDrained(): void {
    if (!this.#drained || this.#queue.length > 0) return
    for (const threads of [this.#threads, this.#ending]) for (const thread of threads) if (thread.task) return
    this.#drained()
  }
}

import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { JobName } from './job-names.ts'

/** Runs a named piece of work on a job thread: `Reactor#runJob`. Its log lines there have the request id. */
export type RunOnThread = (name: JobName, argument: unknown, requestId: string) => Promise<unknown>

/** The periodic kinds look at everything each time; how many of each may run at once. */
export type PeriodicLimits = Partial<Record<JobName, number>>

interface Running {
  count: number
  /** Asked for while as many as may were running: once more, since they may have looked already. */
  again: boolean
}

/**
 * Hands work to the job threads. Work that comes before they are there waits for them: it may be a message that nobody sends
 * twice. Reactor thread.
 */
export class JobDispatcher {
  readonly #limits: PeriodicLimits
  readonly #logger: Logger
  readonly #running = new Map<JobName, Running>()
  #early: Array<readonly [JobName, unknown, string]> = []
  #run: RunOnThread | undefined
  #isStopped = false

  constructor(limits: PeriodicLimits, logger: Logger) {
    this.#limits = limits
    this.#logger = logger
  }

  /** From now on there are threads. */
  start(run: RunOnThread): void {
    this.#run = run
    const early = this.#early
    this.#early = []
    for (const each of early) this.dispatch(...each)
  }

  /** What comes from now on is not done: other Cloud Controllers, or this one's next life, find it in the database. */
  stop(): void {
    this.#isStopped = true
    this.#early = []
  }

  /** `requestId` is that of the request that caused the work; without one its lines get an id of their own, as they belong together. */
  dispatch(name: JobName, argument: unknown, requestId: string = randomUUID()): void {
    if (this.#isStopped) return
    const run = this.#run
    if (!run) {
      this.#early.push([name, argument, requestId])
      return
    }
    const limit = this.#limits[name] ?? Number.POSITIVE_INFINITY
    const running = this.#running.get(name) ?? { count: 0, again: false }
    this.#running.set(name, running)
    if (running.count >= limit) {
      running.again = true
      return
    }
    running.count += 1
    run(name, argument, requestId)
      .catch((error: unknown) =>
        this.#logger.error({ err: error, work: name, requestId }, 'work on a job thread failed'),
      )
      .finally(() => {
        running.count -= 1
        if (!running.again) return
        running.again = false
        this.dispatch(name, argument)
      })
  }
}

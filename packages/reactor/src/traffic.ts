import { warmAfterTasks } from './idle-threads.ts'

const windowInMilliseconds = 30_000

/** Whether so much is going on that threads in reserve are worth their memory, and can be kept warm. */
export class Traffic {
  readonly #now: () => number
  #windowSince: number
  #tasks = 0
  #wasDense = false

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#windowSince = now()
  }

  /** A task was given to a thread. */
  count(): void {
    this.#beginWindow()
    this.#tasks++
  }

  /** As many tasks within half a minute as warm a thread up; and for half a minute after. */
  get isDense(): boolean {
    this.#beginWindow()
    return this.#wasDense || this.#tasks >= warmAfterTasks
  }

  #beginWindow(): void {
    const passed = this.#now() - this.#windowSince
    if (passed < windowInMilliseconds) return
    this.#wasDense = passed < 2 * windowInMilliseconds && this.#tasks >= warmAfterTasks
    this.#tasks = 0
    this.#windowSince = this.#now()
  }
}

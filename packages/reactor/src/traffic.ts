const windowInMilliseconds = 30_000
/** In a window. */
export const denseTasks = 2000

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

  /** Once half a minute has had so many tasks, and for half a minute after. */
  get isDense(): boolean {
    this.#beginWindow()
    return this.#wasDense || this.#tasks >= denseTasks
  }

  #beginWindow(): void {
    const passed = this.#now() - this.#windowSince
    if (passed < windowInMilliseconds) return
    this.#wasDense = passed < 2 * windowInMilliseconds && this.#tasks >= denseTasks
    this.#tasks = 0
    this.#windowSince = this.#now()
  }
}

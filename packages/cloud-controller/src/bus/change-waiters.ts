/** Lets threads wait until something happened to a build, a job or a process, instead of asking again and again. Reactor thread. */
export class ChangeWaiters {
  readonly #waiters = new Map<string, Set<() => void>>()
  readonly #maximum: number
  #waiting = 0

  /** At most `maximum` wait at a time, so that those who wait leave threads to those who work. */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** Resolves to true as soon as `notify` is called with this guid; to false after the time-out, or at once when too many wait. */
  wait(guid: string, timeoutInMilliseconds: number): Promise<boolean> {
    if (this.#waiting >= this.#maximum) return Promise.resolve(false)
    this.#waiting += 1
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(guid) ?? new Set()
      this.#waiters.set(guid, waiters)
      const end = (changed: boolean): void => {
        clearTimeout(timer)
        this.#waiting -= 1
        waiters.delete(wake)
        if (waiters.size === 0) this.#waiters.delete(guid)
        resolve(changed)
      }
      const wake = (): void => end(true)
      const timer = setTimeout(() => end(false), timeoutInMilliseconds)
      waiters.add(wake)
    })
  }

  notify(guid: string): void {
    for (const wake of [...(this.#waiters.get(guid) ?? [])]) wake()
  }
}

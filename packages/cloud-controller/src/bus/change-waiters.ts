/** Lets threads wait until something happened to a build, a job or a process, instead of asking again and again. Reactor thread. */
export class ChangeWaiters {
  readonly #waiters = new Map<string, Set<() => void>>()

  /** Resolves to true as soon as `notify` is called with this guid, or to false after the time-out. */
  wait(guid: string, timeoutInMilliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(guid) ?? new Set()
      this.#waiters.set(guid, waiters)
      const end = (changed: boolean): void => {
        clearTimeout(timer)
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

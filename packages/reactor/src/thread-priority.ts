import { constants, getPriority, setPriority } from 'node:os'

/** As low as it goes: such a thread gets what the others leave. */
const demoted = constants.priority.PRIORITY_LOW

/**
 * Lets threads that have worked for long give way to the others, the reactor first: on a machine whose cores all spin in some request,
 * short requests and NATS would else wait for a time slice at every step.
 *
 * Linux only, where each thread has a priority of its own. There an unprivileged process may lower a priority but not raise it again; then a
 * demoted thread has to be replaced when its task is done.
 */
export class ThreadPriority {
  /** Whether priorities can be raised again; believed until a try fails. */
  canRestore = true
  readonly #normal = getPriority()

  /** True if the thread now has low priority. */
  demote(operatingSystemThreadId: number): boolean {
    return operatingSystemThreadId > 0 && this.#set(operatingSystemThreadId, demoted)
  }

  /** False if the thread has to stay as it is. */
  restore(operatingSystemThreadId: number): boolean {
    const restored = this.#set(operatingSystemThreadId, this.#normal)
    if (!restored) this.canRestore = false
    return restored
  }

  #set(operatingSystemThreadId: number, priority: number): boolean {
    try {
      setPriority(operatingSystemThreadId, priority)
      return true
    } catch {
      // Not allowed, or the thread is gone.
      return false
    }
  }
}

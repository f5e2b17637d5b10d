import { setTimeout as delay } from 'node:timers/promises'
import type { Users } from '../store/users.ts'

export interface LockoutPolicy {
  readonly afterFailures: number
  readonly countFailuresWithinSeconds: number
  readonly periodInSeconds: number
}

/**
 * Makes guessing passwords slow: a failure is answered late, and after too many of them in a row the account is locked
 * for a while (uaa: CommonLoginPolicy.java). Guesses sent at the same time count as if they came one after the other:
 * no more are under way than there are failures left.
 */
export class LoginGuard {
  readonly #users: Users
  readonly #policy: LockoutPolicy
  readonly #delayInMs: number
  readonly #now: () => number
  readonly #underWay = new Map<string, { count: number; waiting: (() => void)[] }>()

  constructor(users: Users, policy: LockoutPolicy, delayInMs: number, now: () => number) {
    this.#users = users
    this.#policy = policy
    this.#delayInMs = delayInMs
    this.#now = now
  }

  /** Runs `check` for the user unless the account is locked, and keeps count. A locked account stays so with the right password. */
  async attempt(userId: string, check: () => Promise<boolean>): Promise<'right' | 'wrong' | 'locked'> {
    if (!(await this.#enter(userId))) return 'locked'
    let right: boolean
    try {
      right = await check()
      if (!right) this.#users.recordFailure(userId, this.#now())
    } finally {
      this.#leave(userId)
    }
    if (!right) await this.slowDown()
    return right ? 'right' : 'wrong'
  }

  /** Waits as long as every failed login does. */
  async slowDown(): Promise<void> {
    if (this.#delayInMs > 0) await delay(this.#delayInMs)
  }

  async #enter(userId: string): Promise<boolean> {
    for (;;) {
      const now = this.#now()
      const failures = this.#users.failuresSince(userId, now - this.#policy.countFailuresWithinSeconds * 1_000)
      const [latest] = failures
      const tooMany = failures.length >= this.#policy.afterFailures
      if (tooMany && latest !== undefined && latest > now - this.#policy.periodInSeconds * 1_000) return false
      const entry = this.#underWay.get(userId) ?? { count: 0, waiting: [] }
      this.#underWay.set(userId, entry)
      const left = Math.max(this.#policy.afterFailures - failures.length, 1)
      if (entry.count < left) {
        entry.count += 1
        return true
      }
      await new Promise<void>((resolve) => entry.waiting.push(resolve))
    }
  }

  #leave(userId: string): void {
    const entry = this.#underWay.get(userId)
    if (!entry) return
    entry.count -= 1
    if (entry.count === 0) this.#underWay.delete(userId)
    for (const resume of entry.waiting.splice(0)) resume()
  }
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout } from 'node:timers/promises'
import { DatabaseUnavailable } from './database-unavailable.ts'
import { isOutdatedPlan } from './dialects/postgres-errors.ts'

const open = new AsyncLocalStorage<true>()

/** Whether this code runs inside a transaction: then it must not tell the bus anything, and never wait for the reactor. */
export function isInTransaction(): boolean {
  return open.getStore() === true
}

/** Runs the callback of a transaction so that `isInTransaction` knows. */
export function asTransaction<T>(work: () => Promise<T>): Promise<T> {
  return open.run(true, work)
}

const patienceInMilliseconds = 5_000
/** However late it is: a process that stood still, or was slow, has waited and not tried. */
const leastAttempts = 5
const firstPauseInMilliseconds = 4
const longestPauseInMilliseconds = 250

/**
 * Runs a whole transaction again when PostgreSQL has rolled it back for the sake of another: serialization failures and
 * deadlocks, which are nobody's fault, and plans that a migration has outdated. Its callback may therefore run more than once, so it must change nothing but the
 * database. Throws DatabaseUnavailable when it got no turn for five seconds and in five attempts.
 */
export async function repeatedOnConflict<T>(
  transaction: () => Promise<T>,
  { patience = patienceInMilliseconds, onRepeat }: { patience?: number; onRepeat?: (() => void) | undefined } = {},
): Promise<T> {
  const giveUpAt = performance.now() + patience
  let pause = firstPauseInMilliseconds
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction()
    } catch (error) {
      if (!isConflict(error)) throw error
      if (attempt >= leastAttempts && performance.now() >= giveUpAt) throw new DatabaseUnavailable(error)
      onRepeat?.()
      // At random, or those who met will meet again.
      await setTimeout(pause * (0.5 + Math.random()))
      pause = Math.min(pause * 2, longestPauseInMilliseconds)
    }
  }
}

/** 40001 serialization_failure, 40P01 deadlock_detected; or another Cloud Controller has migrated in between. */
function isConflict(error: unknown): boolean {
  if (isOutdatedPlan(error)) return true
  return error instanceof Error && 'code' in error && (error.code === '40001' || error.code === '40P01')
}

import { setTimeout as pause } from 'node:timers/promises'

const pauseInMilliseconds = 10

/** Asks again and again until the answer is neither false nor undefined, and returns it. Throws after the deadline. */
export async function eventually<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineInMilliseconds = 5_000,
): Promise<Exclude<T, false | undefined>> {
  const end = Date.now() + deadlineInMilliseconds
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer as Exclude<T, false | undefined>
    if (Date.now() > end) throw new Error(`it never happened: ${what}`)
    await pause(pauseInMilliseconds)
  }
}

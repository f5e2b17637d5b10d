import { setTimeout as pause } from 'node:timers/promises'

const pauseInMilliseconds = 10
/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const deadlineInMilliseconds = 60_000

/** Asks again and again until the answer is neither false nor undefined, and returns it. Throws after the deadline. */
export async function eventually<T>(what: string, ask: () => T | Promise<T>): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + deadlineInMilliseconds
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer as Exclude<T, false | undefined>
    if (performance.now() > end) throw new Error(`it never happened: ${what}`)
    await pause(pauseInMilliseconds)
  }
}

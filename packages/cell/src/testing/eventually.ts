import { setTimeout as pause } from 'node:timers/promises'

/** Asks again and again until there is an answer; throws, naming what was awaited, after ten seconds. */
export async function eventually<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await pause(10)
  }
}

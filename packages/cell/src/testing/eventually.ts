import { setTimeout as pause } from 'node:timers/promises'

/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const limitInMs = 120_000

/** Asks again and again until there is an answer; throws, naming what was awaited, after two minutes. */
export async function eventually<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + limitInMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await pause(10)
  }
}

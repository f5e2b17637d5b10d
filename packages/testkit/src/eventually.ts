import { setTimeout as delay } from 'node:timers/promises'

/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const defaultLimitInMs = 120_000

/**
 * Asks again and again until there is an answer (anything but undefined and false), and returns it. What the question throws counts as no
 * answer yet. Throws, naming what was awaited and the last reason, when the deadline is over.
 */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  limitInMs = defaultLimitInMs,
): Promise<T> {
  const deadline = performance.now() + limitInMs
  for (;;) {
    let reason: unknown
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      reason = error
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${limitInMs / 1000} s in vain for ${what}`, { cause: reason })
    await delay(50)
  }
}

/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const deadlineInMilliseconds = 60_000

/** Waits for a fact, asking for it again and again. Throws when it does not come true within a minute. */
export async function eventually<T>(fact: () => T | Promise<T>, isTrue: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + deadlineInMilliseconds
  for (;;) {
    const value = await fact()
    if (isTrue(value)) return value
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

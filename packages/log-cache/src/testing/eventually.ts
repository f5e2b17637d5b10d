/** Waits for a fact, asking for it again and again. Throws when it does not come true within the deadline. */
export async function eventually<T>(
  fact: () => T | Promise<T>,
  isTrue: (value: T) => boolean,
  deadlineInMilliseconds = 5000,
): Promise<T> {
  const deadline = performance.now() + deadlineInMilliseconds
  for (;;) {
    const value = await fact()
    if (isTrue(value)) return value
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

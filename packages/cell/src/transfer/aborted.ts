/** Rejects with the signal's reason once it is aborted; for `Promise.race`, where whoever waits may lose interest. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

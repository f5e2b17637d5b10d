import { setTimeout as pause } from 'node:timers/promises'

/** Thrown by an attempt that a further one can't mend. */
export class FinalError extends Error {
  override readonly name = 'FinalError'
}

const pausesInMs = [200, 1_000, 3_000]

/** Runs the attempt up to four times. A FinalError, and an abort, end it at once. Throws the last attempt's error. */
export async function retrying<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const pauseInMs of pausesInMs) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof FinalError || signal?.aborted) throw error
      await pause(pauseInMs, undefined, signal ? { signal } : {})
    }
  }
  return attempt()
}

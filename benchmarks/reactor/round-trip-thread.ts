import { reactorOperations, serveJobs } from '@vcap/reactor/thread'

export interface Operations {
  echo(value: unknown): unknown
}

const { scheduleSync } = reactorOperations<Operations>()

/** Microseconds of each of so many calls. */
serveJobs(({ argument }) => {
  const { calls, value, pauseInMs } = argument as { calls: number; value: unknown; pauseInMs: number }
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  const times = new Float64Array(calls)
  for (let i = 0; i < calls; i++) {
    if (pauseInMs > 0) Atomics.wait(nothing, 0, 0, pauseInMs)
    const begin = performance.now()
    scheduleSync('echo', value)
    times[i] = (performance.now() - begin) * 1000
  }
  return times.sort()
})

import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Registry } from 'prom-client'
import type { HttpObserver } from './http-server.ts'
import type { PoolObserver } from './pool-settings.ts'
import type { ThreadPool } from './thread-pool.ts'

/** What the reactor counts. All names begin with `reactor_`. */
export interface Metrics extends HttpObserver {
  observePool(name: string): PoolObserver
  /** To be called once the pools exist. */
  watch(pools: ReadonlyMap<string, ThreadPool>): void
  stop(): void
}

const silent: Metrics = {
  onRequest: () => undefined,
  onFault: () => undefined,
  observePool: () => ({ onQueueWait: () => undefined, onThreadGone: () => undefined }),
  watch: () => undefined,
  stop: () => undefined,
}

const delayResolutionInMilliseconds = 10
/** A quantile is that of the last such interval, so that it shows the present and several scrapers see the same. */
const delayIntervalInMilliseconds = 10_000

/** Registers the reactor's metrics. prom-client is loaded only if somebody wants them. */
export async function createMetrics(registry: Registry | undefined): Promise<Metrics> {
  if (!registry) return silent
  const { Counter, Gauge, Histogram } = await import('prom-client')
  const registers = [registry]
  const requests = new Histogram({
    name: 'reactor_request_duration_seconds',
    help: 'From the parsed head of a request to the last byte of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  })
  const faults = new Counter({
    name: 'reactor_faults_total',
    help: 'Requests that the reactor itself had to answer, by reason',
    labelNames: ['kind'],
    registers,
  })
  const queueWait = new Histogram({
    name: 'reactor_queue_wait_seconds',
    help: 'Time from complete request or job to a thread',
    labelNames: ['pool'],
    buckets: [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers,
  })
  const ended = new Counter({
    name: 'reactor_threads_ended_total',
    help: 'Threads that are gone, by reason: retired, deadline, crashed, out-of-memory, not-started, stopping',
    labelNames: ['pool', 'reason'],
    registers,
  })
  const delay = monitorEventLoopDelay({ resolution: delayResolutionInMilliseconds })
  delay.enable()
  let last = summaryOf(delay)
  const timer = setInterval(() => {
    last = summaryOf(delay)
    delay.reset()
  }, delayIntervalInMilliseconds)
  timer.unref()
  new Gauge({
    name: 'reactor_event_loop_delay_seconds',
    help: "How late the reactor thread's timers fired in the last 10 s",
    labelNames: ['quantile'],
    registers,
    collect() {
      for (const [quantile, seconds] of Object.entries(last)) this.set({ quantile }, seconds)
    },
  })
  return {
    onRequest: (method, route, status, seconds) =>
      requests.observe({ method: knownMethod(method), route: route === '' ? 'other' : route, status }, seconds),
    onFault: (kind) => faults.inc({ kind }),
    observePool: (pool) => {
      const wait = queueWait.labels({ pool })
      return {
        onQueueWait: (milliseconds) => wait.observe(milliseconds / 1000),
        onThreadGone: (reason) => ended.inc({ pool, reason }),
      }
    },
    watch: (pools) => {
      new Gauge({
        name: 'reactor_threads',
        help: 'Threads by state; blocked ones wait in scheduleSync',
        labelNames: ['pool', 'state'],
        registers,
        collect() {
          for (const [pool, threads] of pools) {
            const { queued: _, ...states } = threads.counts()
            for (const [state, count] of Object.entries(states)) this.set({ pool, state }, count)
          }
        },
      })
      new Gauge({
        name: 'reactor_queue_length',
        help: 'Requests or jobs that wait for a thread',
        labelNames: ['pool'],
        registers,
        collect() {
          for (const [pool, threads] of pools) this.set({ pool }, threads.counts().queued)
        },
      })
    },
    stop: () => {
      clearInterval(timer)
      delay.disable()
    },
  }
}

/** Seconds beyond the timer's own interval. */
function summaryOf(delay: ReturnType<typeof monitorEventLoopDelay>): Record<string, number> {
  const late = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - delayResolutionInMilliseconds / 1000) : 0
  return {
    '0.5': late(delay.percentile(50)),
    '0.99': late(delay.percentile(99)),
    '1': delay.count === 0 ? 0 : late(delay.max),
  }
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** A client must not be able to create time series. */
function knownMethod(method: string): string {
  return methods.has(method) ? method : 'other'
}

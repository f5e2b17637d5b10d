import { mkdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { deleteLeftOvers } from './body-intake.ts'
import { httpSettings, poolSettings } from './defaults.ts'
import { HttpServer } from './http-server.ts'
import { JobTask } from './job-task.ts'
import { announce, callsOn } from './local-operations.ts'
import { createMetrics } from './metrics.ts'
import { OperationServer } from './operation-server.ts'
import type { OperationCalls, OperationTable } from './operations.ts'
import type { JobOptions, ReactorOptions } from './options.ts'
import type { ThreadCounts } from './pool-settings.ts'
import { ThreadPool } from './thread-pool.ts'

export interface StopOptions {
  /** How long new connections are still taken, so that a balancer can see that this server is leaving. Default 0. */
  readonly drainInSeconds?: number
  /** How long requests and jobs that run may still take. Default 10. */
  readonly limitInSeconds?: number
}

export interface Reactor<Operations> {
  /** `http://127.0.0.1:8181`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** True from the call of `stop` on: a health check should say so. */
  readonly isStopping: boolean
  /** The operations, for code on the reactor thread. */
  readonly operations: OperationCalls<Operations>
  /** Resolves when the minimum of request and job threads has started; the listener opens with the first request thread. */
  readonly warm: Promise<void>
  threads(): { readonly request: ThreadCounts; readonly job: ThreadCounts | undefined }
  /**
   * Has a job thread run a job. Rejects with what the job threw, with ThreadEnded (deadline, crash, stop), QueueFull or ThreadStartFailed.
   * Throws ArgumentNotCloneable at once.
   */
  runJob(name: string, argument: unknown, options?: JobOptions): Promise<unknown>
  /**
   * Closes the listener, lets open requests (also those whose body is still arriving) and jobs end within a limit, ends all threads. Requests that are left are answered with
   * fault 'stopping', jobs with ThreadEnded. May be called again: all calls resolve with the first.
   */
  stop(options?: StopOptions): Promise<void>
}

/**
 * Starts request threads, job threads and the HTTP listener; this thread becomes their reactor. The listener opens when the first request
 * thread is warm. Throws ThreadStartFailed if none can be started, and the listener's error if it can't open.
 */
export async function startReactor<Operations extends OperationTable<Operations>>(
  options: ReactorOptions<Operations>,
): Promise<Reactor<Operations>> {
  const { logger } = options
  const http = httpSettings(options.http)
  await mkdir(http.temporaryDirectory, { recursive: true })
  const metrics = await createMetrics(options.metrics)
  const operations = new OperationServer(options.operations, logger)
  const shared = (name: string, queueLimit: number, perClientQueueShare: number) => ({
    queueLimit,
    perClientQueueShare,
    setup: {
      pool: name,
      scheduleSyncTimeoutInSeconds: options.scheduleSyncTimeoutInSeconds ?? 30,
      temporaryDirectory: http.temporaryDirectory,
      answerInMemoryLimitInBytes: http.answerInMemoryLimitInBytes,
    },
  })
  const requests = new ThreadPool(
    poolSettings('request', options.requestThreads, shared('request', http.queueLimit, http.perClientQueueShare)),
    operations,
    logger,
    metrics.observePool('request'),
  )
  const jobs =
    options.jobThreads &&
    new ThreadPool(
      poolSettings('job', options.jobThreads, shared('job', 10_000, 1)),
      operations,
      logger,
      metrics.observePool('job'),
    )
  metrics.watch(new Map([['request', requests], ...(jobs ? [['job', jobs] as const] : [])]))
  const server = new HttpServer(http, requests, logger, metrics)
  const calls = callsOn(options.operations, (operation, thrown) =>
    logger.error({ err: thrown, operation }, 'a scheduled operation failed'),
  )
  const withdraw = announce(calls)
  const giveUp = async (): Promise<void> => {
    withdraw()
    metrics.stop()
    await Promise.all([requests.stop(0), jobs?.stop(0)])
  }

  let port: number
  try {
    await requests.start()
    port = await server.listen()
  } catch (error) {
    await giveUp()
    throw error
  }
  // After the first request thread, which a first request can use: the CPU is better spent there.
  jobs?.start().catch(() => undefined)
  server.forget(deleteLeftOvers(http.temporaryDirectory).then(() => undefined))

  const warm = Promise.all([requests.warm, jobs?.warm]).then(() => undefined)
  // Pools log why they can't start; whoever awaits this sees it too.
  warm.catch(() => undefined)
  let stopping: Promise<void> | undefined
  const stop = async ({ drainInSeconds = 0, limitInSeconds = 10 }: StopOptions): Promise<void> => {
    const limit = limitInSeconds * 1000
    const stopServer = server.stop(drainInSeconds * 1000, limit + 1500)
    // A request whose body is still arriving needs a thread later on, so the threads stay until no request is open.
    const begun = performance.now()
    const quiet = new AbortController()
    const late = delay(drainInSeconds * 1000 + limit, undefined, { signal: quiet.signal })
    await Promise.race([stopServer, late]).finally(() => quiet.abort())
    const rest = Math.max(0, drainInSeconds * 1000 + limit - (performance.now() - begun))
    await Promise.all([requests.stop(rest), jobs?.stop(rest)])
    await stopServer
    withdraw()
    metrics.stop()
  }
  return {
    url: `http://${http.host.includes(':') ? `[${http.host}]` : http.host}:${port}`,
    port,
    get isStopping() {
      return server.isStopping
    },
    operations: calls as OperationCalls<unknown> as OperationCalls<Operations>,
    warm,
    threads: () => ({ request: requests.counts(), job: jobs?.counts() }),
    runJob: (name, argument, jobOptions = {}) => {
      if (!jobs) throw new Error('this reactor was started without job threads')
      const task = new JobTask(name, argument, jobOptions)
      jobs.submit(task)
      return task.result
    },
    stop: (stopOptions = {}) => {
      stopping ??= stop(stopOptions)
      return stopping
    },
  }
}

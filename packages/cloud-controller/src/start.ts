import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningComponent } from '@vcap/protocol'
import { type Reactor, registerErrorClass, startReactor } from '@vcap/reactor'
import type { Logger } from 'pino'
import type { z } from 'zod'
import type { BusOperations } from './bus/bus.ts'
import { type RunningBus, startBus } from './bus/start-bus.ts'
import { CloudControllerConfig, type Settings } from './config.ts'
import { deriveKeys } from './crypto/sealed-text.ts'
import { prepareDatabase } from './db/prepare-database.ts'
import { onFreePort } from './free-port.ts'
import { componentLogger } from './http/component-logger.ts'
import { faultAnswer, staticAnswers } from './http/reactor-answers.ts'
import { requestIdOf } from './http/request-id.ts'
import { type ControllerMetrics, startMetrics } from './metrics/controller-metrics.ts'
import { registerErrorClasses } from './threads/error-classes.ts'
import { JobDispatcher } from './threads/job-dispatcher.ts'
import type { ThreadData } from './threads/thread-services.ts'

/** Paths whose body takes long to arrive or to leave. */
const transferPath = /^\/(v3\/(packages|droplets|buildpacks)\/[^/]+\/(upload|download)|staging\/)/

/**
 * Starts a Cloud Controller: schema, bus, threads, listener. The returned promise is kept when the listener is open.
 * Throws what keeps it from starting: a database that can't be reached, a port in use.
 */
export async function startCloudController(
  config: z.input<typeof CloudControllerConfig>,
  { logger = componentLogger() }: { logger?: Logger } = {},
): Promise<RunningComponent> {
  const settings = CloudControllerConfig.parse(config)
  if (settings.port !== 0) return start(settings, logger)
  // Port 0 becomes a free one here and not when the listener opens, because links and cells' addresses name it.
  return onFreePort(settings.host, (port) => start(CloudControllerConfig.parse({ ...config, port }), logger))
}

async function start(settings: Settings, logger: Logger): Promise<RunningComponent> {
  await mkdir(join(settings.dataDirectory, 'uploads'), { recursive: true })
  registerErrorClasses(registerErrorClass)
  // Of use to the threads, which start last.
  const derivingKeys = deriveKeys(settings.encryptionKeys)
  await prepareDatabase(settings)

  const { maximumJobThreads, jobDeadlineInSeconds } = settings.threads
  // A thread is left for messages from the bus, however many jobs there are.
  const limits = { reconcile: 1, 'clean-up': 1, 'run-due-jobs': Math.max(1, maximumJobThreads - 1) }
  const jobs = new JobDispatcher(limits, logger)
  const bus = await startBus({
    settings,
    logger,
    runJob: (name, argument, requestId) => jobs.dispatch(name, argument, requestId),
  })
  let isStopping = false
  let metrics: ControllerMetrics | undefined
  let reactor: Reactor<BusOperations>
  try {
    metrics = await startMetrics(settings, bus.statistics)
    const threadData = { settings, derivedKeys: await derivingKeys, databaseMemory: metrics?.database.memory }
    reactor = await openReactor(threadData, logger, bus, metrics, () => isStopping)
  } catch (error) {
    await Promise.all([metrics?.stop(), bus.stop()])
    throw error
  }
  jobs.start((name, argument, requestId) => {
    const work = reactor.runJob(name, argument, { deadlineInSeconds: jobDeadlineInSeconds, requestId })
    return metrics?.timed(name, work) ?? work
  })
  jobs.dispatch('run-due-jobs', {})
  return {
    addresses: { http: reactor.url, ...(metrics && { metrics: metrics.url }) },
    async stop() {
      isStopping = true
      const closed = reactor.stop({ drainInSeconds: settings.drainInSeconds })
      // What the bus still hands over is worked on; only then nothing more is begun.
      await Promise.race([bus.leave(), closed])
      jobs.stop()
      await closed
      await Promise.all([metrics?.stop(), bus.stop()])
    },
  }
}

function openReactor(
  threadData: ThreadData,
  logger: Logger,
  bus: RunningBus,
  metrics: ControllerMetrics | undefined,
  isStopping: () => boolean,
): Promise<Reactor<BusOperations>> {
  const { settings } = threadData
  const { threads } = settings
  return startReactor({
    operations: bus.operations,
    requestThreads: {
      module: new URL('./threads/request-thread.ts', import.meta.url),
      workerData: threadData,
      minimum: threads.minimumRequestThreads,
      maximum: threads.maximumRequestThreads,
    },
    jobThreads: {
      module: new URL('./threads/job-thread.ts', import.meta.url),
      workerData: threadData,
      minimum: 1,
      maximum: threads.maximumJobThreads,
    },
    http: {
      host: settings.host,
      port: settings.port,
      temporaryDirectory: join(settings.dataDirectory, 'uploads'),
      bodyLimitInBytes: settings.packages.maximumSizeInBytes,
      staticAnswer: staticAnswers(settings, isStopping),
      faultAnswer,
      deadlineInSeconds: ({ path }) =>
        transferPath.test(path) ? threads.uploadDeadlineInSeconds : threads.requestDeadlineInSeconds,
      requestId: requestIdOf,
    },
    logger,
    ...(metrics && { metrics: metrics.registry }),
  })
}

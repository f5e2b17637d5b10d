import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningComponent } from '@vcap/protocol'
import {
  type Fault,
  type Reactor,
  type RequestHead,
  registerErrorClass,
  type StaticAnswer,
  startReactor,
} from '@vcap/reactor'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import type { z } from 'zod'
import type { BusOperations } from './bus/bus.ts'
import { startBus } from './bus/start-bus.ts'
import { CloudControllerConfig, type Settings } from './config.ts'
import { prepareDatabase } from './db/prepare-database.ts'
import { ApiError, apiError } from './errors/api-error.ts'
import { componentLogger } from './http/component-logger.ts'
import { errorAnswer } from './http/error-answer.ts'
import { requestIdOf } from './http/request-id.ts'
import { rootDocuments } from './http/root-documents.ts'
import { registerErrorClasses } from './threads/error-classes.ts'
import type { JobName } from './threads/job-names.ts'

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
  await mkdir(join(settings.dataDirectory, 'uploads'), { recursive: true })
  registerErrorClasses(registerErrorClass)
  await prepareDatabase(settings)

  let reactor: Reactor<BusOperations> | undefined
  const jobs = jobDispatcher(logger, settings, () => reactor)
  const bus = await startBus({ settings, logger, runJob: jobs })
  reactor = await startReactor({
    operations: bus.operations,
    requestThreads: {
      module: new URL('./threads/request-thread.ts', import.meta.url),
      workerData: settings,
      minimum: settings.threads.minimumRequestThreads,
      maximum: settings.threads.maximumRequestThreads,
    },
    jobThreads: {
      module: new URL('./threads/job-thread.ts', import.meta.url),
      workerData: settings,
      minimum: 1,
      maximum: settings.threads.maximumJobThreads,
    },
    http: {
      host: settings.host,
      port: settings.port,
      temporaryDirectory: join(settings.dataDirectory, 'uploads'),
      bodyLimitInBytes: settings.packages.maximumSizeInBytes,
      staticAnswer: staticAnswers(settings),
      faultAnswer,
      deadlineInSeconds: ({ path }) =>
        transferPath.test(path) ? settings.threads.uploadDeadlineInSeconds : settings.threads.requestDeadlineInSeconds,
      requestId: requestIdOf,
    },
    logger,
    metrics: new Registry(),
  })
  jobs('run-due-jobs', {})
  const running = reactor
  return {
    addresses: { http: running.url },
    async stop() {
      await running.stop()
      await bus.stop()
    },
  }
}

/**
 * Hands work to the job threads. The periodic kinds look at everything each time, so one that runs already is not queued
 * twice, only once more behind it.
 */
function jobDispatcher(logger: Logger, settings: Settings, reactor: () => Reactor<BusOperations> | undefined) {
  const periodic = new Map<JobName, 'running' | 'again'>()
  return function dispatch(name: JobName, argument: unknown): void {
    const running = reactor()
    if (!running) return
    const isPeriodic = name === 'reconcile' || name === 'run-due-jobs'
    if (isPeriodic && periodic.has(name)) {
      periodic.set(name, 'again')
      return
    }
    if (isPeriodic) periodic.set(name, 'running')
    running
      .runJob(name, argument, { deadlineInSeconds: settings.threads.jobDeadlineInSeconds })
      .catch((error: unknown) => logger.error({ err: error, job: name }, 'work on a job thread failed'))
      .finally(() => {
        if (!isPeriodic) return
        const again = periodic.get(name) === 'again'
        periodic.delete(name)
        if (again) dispatch(name, argument)
      })
  }
}

function staticAnswers(settings: Settings): (request: RequestHead) => StaticAnswer | undefined {
  const answers = new Map<string, StaticAnswer>(
    Object.entries(rootDocuments).map(([path, document]) => {
      const content = document(settings)
      return [
        path,
        typeof content === 'string'
          ? { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: content }
          : {
              status: 200,
              headers: { 'content-type': 'application/json; charset=utf-8' },
              body: JSON.stringify(content),
            },
      ]
    }),
  )
  return ({ method, path }) => (method === 'GET' || method === 'HEAD' ? answers.get(path) : undefined)
}

/** What the reactor has to answer by itself, in CC's form. */
function faultAnswer({ kind }: Fault): StaticAnswer {
  const { status, body } = errorAnswer(faultError(kind))
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) }
}

function faultError(kind: Fault['kind']): ApiError | Error {
  switch (kind) {
    case 'overloaded':
    case 'no-threads':
    case 'stopping':
      return apiError('ServiceUnavailable', 'The server is busy. Please try again later.')
    case 'deadline':
      return new ApiError(504, [
        { code: 10_001, title: 'CF-ServerError', detail: 'The request took longer than it may take and was ended.' },
      ])
    case 'headers-too-large':
      return new ApiError(431, apiError('InvalidRequest').bodies)
    case 'body-too-large':
      return new ApiError(413, apiError('BadRequest', 'The request body is too large').bodies)
    case 'insufficient-storage':
      return new ApiError(507, apiError('ServiceUnavailable', 'There is no room for the upload').bodies)
    case 'request-timeout':
      return new ApiError(408, apiError('InvalidRequest').bodies)
    case 'expectation-failed':
      return new ApiError(417, apiError('InvalidRequest').bodies)
    case 'malformed':
      return apiError('InvalidRequest')
    default:
      return new Error(kind)
  }
}

import type { Msg, Subscription } from '@nats-io/transport-node'
import {
  DeaAdvertisement,
  DeaShutdown,
  DropletExited,
  Heartbeat,
  type LogEnvelope,
  logSubject,
  queueGroups,
  StagingCompletion,
  StagingSetup,
  stagingReplySubject,
  subjects,
} from '@vcap/protocol'
import { joinBus } from '@vcap/protocol/bus'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Settings } from '../config.ts'
import type { BusStatistics } from '../metrics/controller-metrics.ts'
import type { JobName } from '../threads/job-names.ts'
import type { BusOperations } from './bus.ts'
import { ChangeWaiters } from './change-waiters.ts'
import { ConnectionWatch } from './connection-watch.ts'
import { DeaClient } from './dea-client.ts'
import { DeaPool } from './dea-pool.ts'
import { InstanceRegistry } from './instance-registry.ts'
import { publish, requestIdOfMessage, subscribe } from './nats-messages.ts'
import { PendingStarts } from './pending-starts.ts'
import { StagingClient } from './staging-client.ts'

export interface BusOptions {
  readonly settings: Settings
  readonly logger: Logger
  /** Runs a named piece of work on a job thread. */
  readonly runJob: (name: JobName, argument: unknown, requestId?: string) => void
}

export interface RunningBus {
  readonly operations: BusOperations
  statistics(): BusStatistics
  /**
   * Takes no more of what one of several Cloud Controllers takes, so that the others get all of it, and begins nothing by itself.
   * Resolves when what was on its way has been handed over.
   */
  leave(): Promise<void>
  stop(): Promise<void>
}

/**
 * Everything that lives on the reactor thread: the NATS connection, the DEA pool, what heartbeats say, those who wait for a
 * change. Answers are taken at once; whatever needs the database goes to a job thread.
 */
export async function startBus({ settings, logger, runJob }: BusOptions): Promise<RunningBus> {
  const nats = await joinBus(settings.nats, { name: 'cloud-controller', logger })
  const pool = new DeaPool(settings.dea)
  const registry = new InstanceRegistry(settings.dea.heartbeatTimeoutInSeconds)
  const pending = new PendingStarts(settings.dea.missingInstanceDelayInSeconds)
  const deas = new DeaClient(nats, pool, pending, logger)
  const stagers = new StagingClient(nats, pool)
  const waiters = new ChangeWaiters(Math.ceil(settings.threads.maximumRequestThreads / 2))

  const shared: Subscription[] = []
  let isLeaving = false
  const listen = <S extends z.ZodType>(
    subject: string,
    schema: S,
    handle: (message: z.output<S>, raw: Msg) => void,
    queue?: string,
  ): void => {
    const subscription = subscribe({ nats, logger, subject, schema, ...(queue && { queue }) }, handle)
    if (queue) shared.push(subscription)
  }

  listen(subjects.deaAdvertise, DeaAdvertisement, (advertisement) => pool.advertise(advertisement))
  listen(subjects.deaShutdown, DeaShutdown, ({ id }) => {
    pool.remove(id)
    registry.remove(id)
    runJob('reconcile', {})
  })
  listen(subjects.deaHeartbeat, Heartbeat, (heartbeat) => {
    registry.heartbeat(heartbeat)
    for (const guid of new Set(heartbeat.droplets.map((instance) => instance.droplet))) waiters.notify(guid)
  })
  listen(
    subjects.dropletExited,
    DropletExited,
    (exited, raw) => {
      pending.settle(exited.droplet, exited.version, exited.index)
      registry.exited(exited)
      waiters.notify(exited.droplet)
      runJob('droplet-exited', exited, requestIdOfMessage(raw))
    },
    queueGroups.crashEvents,
  )
  listen(
    stagingReplySubject.all,
    StagingReply,
    (reply, raw) => runJob('staging-reply', reply, requestIdOfMessage(raw)),
    queueGroups.cloudControllers,
  )

  const askAll = (): void => {
    publish(nats, subjects.deaLocate, {})
    publish(nats, subjects.healthManagerStart, {})
  }
  askAll()
  const connection = new ConnectionWatch(nats, logger, askAll)
  const timers = [
    setInterval(() => runJob('reconcile', {}), settings.dea.reconcileIntervalInSeconds * 1000),
    setInterval(() => runJob('run-due-jobs', {}), jobPollInMilliseconds),
    setInterval(() => runJob('clean-up', {}), settings.cleanUp.intervalInSeconds * 1000),
  ]

  return {
    operations: {
      'dea.start': (messages) => deas.start(messages),
      'dea.stop': (message) => deas.stop(message),
      'dea.update': (message) => deas.update(message),
      'dea.find': async (request, options) => {
        const replies = await deas.find(request, options)
        registry.found(replies)
        return replies
      },
      'dea.instances': (processGuids) => registry.of(processGuids),
      'dea.actualState': () => ({
        connectedForMilliseconds: connection.connectedForMilliseconds,
        instances: registry.all(),
        pendingStarts: pending.all(),
      }),
      'staging.start': (request) => stagers.start(request),
      'staging.stop': (message) => stagers.stop(message),
      'jobs.wake': () => runJob('run-due-jobs', {}),
      'jobs.mayBegin': () => !isLeaving,
      'logs.emit': (batch: LogEnvelope[]) => publish(nats, logSubject, { batch }),
      'changes.wait': (guid, timeout) => waiters.wait(guid, timeout),
      'changes.notify': (guid) => waiters.notify(guid),
    },
    statistics: () => ({
      isConnected: connection.isConnected,
      reconnects: connection.reconnects,
      deas: pool.liveIds().length,
      instances: countBy(registry.all().map(({ state }) => state)),
    }),
    async leave() {
      isLeaving = true
      for (const timer of timers) clearInterval(timer)
      // Without a connection the broker has forgotten the subscriptions by itself.
      if (!connection.isConnected) return
      await Promise.all(shared.map((subscription) => subscription.drain())).catch((error: unknown) =>
        logger.warn({ err: error }, 'the connection to NATS was lost while the Cloud Controller left it'),
      )
    },
    async stop() {
      for (const timer of timers) clearInterval(timer)
      // There is nobody to drain to without a connection, and waiting for one could take for ever.
      if (connection.isConnected) await nats.drain()
      else await nats.close()
      await connection.over
    },
  }
}

const StagingReply = z.union([StagingCompletion, StagingSetup])

const countBy = (values: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(values, (value) => value)].map(([value, same]) => [value, same.length]))

/** Jobs of a controller that died, and jobs that come again later, are found by asking; a new job wakes the threads by itself. */
const jobPollInMilliseconds = 2_000

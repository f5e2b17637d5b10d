import { randomUUID } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import {
  type DeaShutdown,
  FindDropletRequest,
  type RunningComponent,
  routerSubjects,
  StagingRequest,
  StagingStop,
  StartMessage,
  StopMessage,
  subjects,
  UpdateMessage,
} from '@vcap/protocol'
import { joinBus } from '@vcap/protocol/bus'
import { type Logger, pino } from 'pino'
import type { z } from 'zod'
import { Bus } from './bus.ts'
import { Capacity } from './capacity.ts'
import type { CellContext } from './cell-context.ts'
import { CellConfig } from './config.ts'
import { lockDataDirectory } from './data-directory-lock.ts'
import { removeTree } from './files/remove-tree.ts'
import { InstanceManager } from './instances/instance-manager.ts'
import { clearOrphans } from './instances/orphans.ts'
import { PortPool } from './instances/port-pool.ts'
import { LastWill, readWill, type Will } from './last-will.ts'
import { LogPublisher } from './logs/log-publisher.ts'
import { Presence } from './presence.ts'
import { openProcessTable } from './processes/process-table.ts'
import { ResourceMonitor } from './processes/resource-monitor.ts'
import { resolveAppUser } from './run-as.ts'
import { Stager } from './staging/stager.ts'
import { resolveToolPath } from './tool-path.ts'
import { BuildpackCache } from './transfer/buildpack-cache.ts'
import { DropletCache } from './transfer/droplet-cache.ts'
import { makeDirectories } from './work-directory.ts'

/**
 * Starts a cell: clears up after an earlier life in the same data directory, connects to NATS (waiting for it, if need be)
 * and takes orders. Throws for a configuration that can't work: a data directory in use, an unknown `runAs` user.
 */
export async function startCell(
  configuration: z.input<typeof CellConfig>,
  { logger = pino({ name: 'cell' }, pino.destination(2)) }: { logger?: Logger } = {},
): Promise<RunningComponent> {
  const config = CellConfig.parse(configuration)
  const table = openProcessTable()
  const user = await resolveAppUser(config.runAs)
  const directories = await makeDirectories(config.dataDirectory, user, logger)
  const unlock = await lockDataDirectory(directories.private, table)
  const connecting = joinBus(config.nats, { name: 'cell', logger })
  try {
    const droplets = new DropletCache(directories.droplets, config.dropletCacheInMb * 1024 ** 2)
    const buildpacks = new BuildpackCache(directories.buildpacks, config.archives)
    const [path, diskInMb, connection, earlier] = await Promise.all([
      resolveToolPath(config.toolPath, user),
      config.diskInMb ?? freeDiskInMb(directories.instances),
      connecting,
      readWill(directories.private, logger),
      clearOrphans(directories, table, logger),
      droplets.open(),
      buildpacks.open(),
    ])
    const cellId = randomUUID()
    const bus = new Bus(connection, logger)
    const will = new LastWill(directories.private, cellId, logger)
    const transport = {
      publish: (subject: string, payload: string) => bus.publishText(subject, payload),
      flush: () => bus.flush(),
      dropped: (envelopes: number) => logger.warn({ envelopes }, 'dropped log lines: the broker does not keep up'),
    }
    const publisher = new LogPublisher(transport, config.intervals.logFlushInMs)
    const capacity = new Capacity({ memoryInMb: config.memoryInMb, diskInMb }, () => presence.capacityChanged())
    const monitor = new ResourceMonitor(table, logger, config.intervals)
    const context: CellContext = {
      cellId,
      config,
      logger: logger.child({ cell: cellId }),
      directories,
      user,
      path,
      capacity,
      ports: new PortPool(
        config.portRange,
        earlier?.registrations.map(({ port }) => port),
      ),
      will,
      publisher,
      table,
      monitor,
      droplets,
    }
    const instances = new InstanceManager(context, bus, () => presence.instancesChanged())
    const presence = new Presence(bus, cellId, config, capacity, () => instances)
    const stager = new Stager(context, bus, buildpacks, (message) => instances.start(message))
    subscribe(bus, context, instances, stager, presence)
    // The subscriptions are known to the broker before anyone learns that this cell is there.
    if (earlier) sayGoodbyeFor(earlier, bus)
    await connection.flush()
    await will.write()
    presence.start()
    logger.info({ cell: cellId, stacks: config.stacks, runsAppsAs: user ?? 'the user of the cell' }, 'cell started')

    let stopping: Promise<void> | undefined
    const stop = async () => {
      presence.stop()
      await Promise.all([instances.stopAll(), stager.stopAll()])
      await monitor.stop()
      publisher.flush()
      await close(connection, logger)
      await will.drop()
      if (directories.outside) await removeTree(directories.outside)
      await unlock()
    }
    return {
      addresses: {},
      stop: () => {
        stopping ??= stop()
        return stopping
      },
    }
  } catch (error) {
    connecting.then((connection) => connection.close()).catch(() => undefined)
    await unlock()
    throw error
  }
}

function subscribe(
  bus: Bus,
  { cellId, config }: CellContext,
  instances: InstanceManager,
  stager: Stager,
  presence: Presence,
): void {
  bus.subscribe(subjects.deaStart(cellId), StartMessage, (message) => {
    if (message.cc_partition === config.ccPartition) instances.start(message)
  })
  bus.subscribe(subjects.deaStop, StopMessage, (message) => instances.stop(message))
  bus.subscribe(subjects.deaUpdate, UpdateMessage, (message) => instances.update(message))
  bus.subscribe(subjects.deaFindDroplet, FindDropletRequest, (request, replyTo) => {
    if (replyTo) for (const reply of instances.find(request)) bus.publish(replyTo, reply)
  })
  bus.subscribe(subjects.stagingStart(cellId), StagingRequest, (request, replyTo) => stager.start(request, replyTo))
  bus.subscribe(subjects.stagingStop, StagingStop, (message) => stager.stop(message))
  bus.subscribeToSignal(subjects.deaLocate, () => presence.advertise())
  bus.subscribeToSignal(subjects.healthManagerStart, () => presence.heartbeat())
  bus.subscribeToSignal(routerSubjects.start, () => instances.registerRoutes())
}

/** For a life that was killed. Its processes are ended already, so nobody loses an instance that still runs. */
function sayGoodbyeFor({ cellId, registrations }: Will, bus: Bus): void {
  for (const registration of registrations) bus.publish(routerSubjects.unregister, registration)
  const shutdown: DeaShutdown = { id: cellId }
  bus.publish(subjects.deaShutdown, shutdown)
}

/** Sends what is under way, unless the broker is away: then there is nobody to wait for. */
async function close(connection: NatsConnection, logger: Logger): Promise<void> {
  const flushed = connection.flush().then(() => true)
  const givenUp = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1_000).unref())
  if (!(await Promise.race([flushed, givenUp]).catch(() => false)))
    logger.warn('NATS is away; the last messages are lost')
  await connection.close()
}

async function freeDiskInMb(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return Math.max(1, Math.floor(((bavail * bsize) / 1024 ** 2) * 0.8))
}

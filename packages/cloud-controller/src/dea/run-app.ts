import type { StopMessage } from '@vcap/protocol'
import type { Logger } from 'pino'
import type { Bus } from '../bus/bus.ts'
import type { Settings } from '../config.ts'
import type { Db } from '../db/schema.ts'
import { ApiError, apiError } from '../errors/api-error.ts'
import { processUris } from './route-uris.ts'
import { startMessagesOf, type WantedInstances } from './start-message.ts'

/*
 * Tells the DEAs what has changed, after the commit. The rows are the truth: what can't be told now, the reconciler does
 * later. Request and job threads, never inside a transaction.
 */

export interface RunServices {
  readonly db: Db
  readonly settings: Settings
  readonly bus: Bus
  readonly logger: Logger
}

/** A process as far as its instances are concerned. */
export interface InstanceCount {
  readonly guid: string
  readonly instances: number
}

/**
 * Starts all instances of these processes. That no DEA has room for some is no error for who asked: as in Diego the app is
 * started and shows those instances as DOWN until there is room.
 */
export async function startInstances(services: RunServices, processes: readonly InstanceCount[]): Promise<void> {
  await startIndices(
    services,
    processes.map(({ guid, instances }) => ({ processGuid: guid, indices: range(0, instances) })),
  )
}

/** Starts these indices. */
export async function startIndices(services: RunServices, wanted: readonly WantedInstances[]): Promise<void> {
  const messages = await startMessagesOf(services, wanted)
  if (messages.length === 0) return
  toldLater(services, () => services.bus.scheduleSync('dea.start', messages))
}

/** Stops all instances of these processes, of whatever version. */
export function stopInstances(services: RunServices, processGuids: readonly string[]): void {
  for (const droplet of processGuids) stop(services, { droplet })
}

/**
 * Replaces all instances: those that run are told to stop, then new ones, which have another version, are started.
 * Throws RunnerUnavailable (503/170015) when the DEAs can't be told to stop.
 */
export async function replaceInstances(services: RunServices, processes: readonly InstanceCount[]): Promise<void> {
  try {
    for (const { guid } of processes) services.bus.scheduleSync('dea.stop', { droplet: guid })
  } catch (error) {
    services.logger.error({ err: error }, 'could not tell the DEAs to stop instances')
    throw Object.assign(apiError('RunnerUnavailable', 'Unable to communicate with the DEAs'), { cause: error })
  }
  await startInstances(services, processes)
}

/** Follows a change of the number of instances of a started process: starts the new tail or stops the old one. */
export async function resizeInstances(
  services: RunServices,
  process: InstanceCount & { readonly version: string },
  previousInstances: number,
): Promise<void> {
  const { guid, version, instances } = process
  if (instances > previousInstances)
    await startIndices(services, [{ processGuid: guid, indices: range(previousInstances, instances) }])
  if (instances < previousInstances)
    stop(services, { droplet: guid, version, indices: range(instances, previousInstances) })
}

/** Stops one instance and starts another in its place. */
export async function restartInstance(services: RunServices, processGuid: string, index: number): Promise<void> {
  stop(services, { droplet: processGuid, indices: [index] })
  await startIndices(services, [{ processGuid, indices: [index] }])
}

/** Tells the DEAs the routes of the started processes of these apps. Call it after the commit of a change of routes. */
export async function updateRoutesOfApps(
  services: Pick<RunServices, 'db' | 'bus'>,
  appGuids: readonly string[],
): Promise<void> {
  if (appGuids.length === 0) return
  const processes = await services.db
    .selectFrom('processes')
    .select(['guid', 'app_guid', 'type', 'version'])
    .where('app_guid', 'in', [...new Set(appGuids)])
    .where('state', '=', 'STARTED')
    .orderBy('id')
    .execute()
  const uris = await processUris(services.db, processes)
  for (const { guid, version } of processes)
    services.bus.schedule('dea.update', { droplet: guid, uris: uris.get(guid) ?? [], version })
}

function stop(services: RunServices, message: StopMessage): void {
  toldLater(services, () => services.bus.scheduleSync('dea.stop', message))
}

/** The change is committed: if the DEAs can't be told now, the reconciler does it. */
function toldLater({ logger }: RunServices, tell: () => void): void {
  try {
    tell()
  } catch (error) {
    if (error instanceof ApiError) logger.info({ reason: error.message }, 'some instances could not be started yet')
    else logger.error({ err: error }, 'could not tell the DEAs; the reconciler will')
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset)

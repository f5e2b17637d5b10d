import { randomUUID } from 'node:crypto'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Acting, recordAppEvent } from './app-events.ts'
import { recordProcessUsage } from './app-usage-events.ts'
import { lockApp } from './apps.ts'
import { requireWithinQuotas } from './process-quotas.ts'
import { latestRevision, noteRevision } from './revisions.ts'

/** Processes whose instances must be started (or replaced, when `wereRunning`) after the commit. */
export interface StartedApp {
  readonly processes: ReadonlyArray<Row<'processes'>>
  readonly wereRunning: boolean
  readonly hasNewRevision: boolean
}

/** What start, stop and restart say when the app has nothing to run. */
export const lacksDroplet = (): Error => unprocessable('Assign a droplet before starting this app.')

/**
 * Wants the app to run. Coming from STOPPED it may make a revision; processes that run already are left alone. Answers the
 * processes that have to be started. Throws 422 beyond quotas. Source: cloud_controller_ng app/actions/app_start.rb.
 */
export async function startApp(trx: Trx, acting: Acting, appGuid: string): Promise<StartedApp> {
  const app = await lockApp(trx, appGuid)
  if (app.droplet_guid === null) throw lacksDroplet()
  const hasNewRevision = app.desired_state === 'STOPPED' && (await noteRevision(trx, acting, app))
  await wantState(trx, app, 'STARTED')
  const stopped = (await processesOf(trx, app)).filter((process) => process.state === 'STOPPED')
  const revision = await latestRevision(trx, app)
  const processes: Row<'processes'>[] = []
  for (const process of stopped) processes.push(await startProcess(trx, process, revision?.guid)) // each counts for the next
  await recordAppEvent(trx, acting, 'start', app)
  return { processes, wereRunning: false, hasNewRevision }
}

/** Wants the app to stop. Answers the processes whose instances have to be stopped. Source: app/actions/app_stop.rb. */
export async function stopApp(
  trx: Trx,
  acting: Acting,
  appGuid: string,
  data: Readonly<Record<string, unknown>> = {},
): Promise<ReadonlyArray<Row<'processes'>>> {
  const app = await lockApp(trx, appGuid)
  await wantState(trx, app, 'STOPPED')
  const started = (await processesOf(trx, app)).filter((process) => process.state === 'STARTED')
  const processes: Row<'processes'>[] = []
  for (const process of started) processes.push(await stopProcess(trx, process)) // at once, one could go on after another's rollback
  await recordAppEvent(trx, acting, 'stop', app, data)
  return processes
}

/**
 * Wants all instances replaced by new ones, or a stopped app to run. Every process gets a new version, so that old and new
 * instances can be told apart. Throws 422 beyond quotas. Source: app/actions/app_restart.rb, process_restart.rb.
 */
export async function restartApp(trx: Trx, acting: Acting, appGuid: string): Promise<StartedApp> {
  const app = await lockApp(trx, appGuid)
  if (app.droplet_guid === null) throw lacksDroplet()
  const hasNewRevision = await noteRevision(trx, acting, app)
  await wantState(trx, app, 'STARTED')
  const revision = await latestRevision(trx, app)
  const processes: Row<'processes'>[] = []
  for (const process of await processesOf(trx, app)) {
    const stopped = process.state === 'STARTED' ? await stopProcess(trx, process) : process
    processes.push(await startProcess(trx, stopped, revision?.guid))
  }
  await recordAppEvent(trx, acting, 'restart', app)
  return { processes, wereRunning: app.desired_state === 'STARTED', hasNewRevision }
}

async function wantState(trx: Trx, app: Row<'apps'>, state: 'STARTED' | 'STOPPED'): Promise<void> {
  if (app.desired_state === state) return
  await trx.updateTable('apps').set({ desired_state: state, updated_at: now() }).where('guid', '=', app.guid).execute()
}

/** Processes of the app, oldest first. */
export async function processesOf(trx: Trx, app: Pick<Row<'apps'>, 'guid'>): Promise<Row<'processes'>[]> {
  return trx.selectFrom('processes').selectAll().where('app_guid', '=', app.guid).orderBy('id').execute()
}

async function startProcess(
  trx: Trx,
  process: Row<'processes'>,
  revisionGuid: string | undefined,
): Promise<Row<'processes'>> {
  await requireWithinQuotas(trx, process, { before: process, after: { ...process, state: 'STARTED' } })
  return changeState(trx, process, {
    state: 'STARTED',
    version: randomUUID(),
    revision_guid: revisionGuid ?? process.revision_guid,
  })
}

async function stopProcess(trx: Trx, process: Row<'processes'>): Promise<Row<'processes'>> {
  return changeState(trx, process, { state: 'STOPPED' })
}

async function changeState(
  trx: Trx,
  process: Row<'processes'>,
  change: Partial<Pick<Row<'processes'>, 'state' | 'version' | 'revision_guid'>>,
): Promise<Row<'processes'>> {
  const changed = await trx
    .updateTable('processes')
    .set({ ...change, updated_at: now() })
    .where('guid', '=', process.guid)
    .returningAll()
    .executeTakeFirstOrThrow()
  await recordProcessUsage(trx, process, changed)
  return changed
}

import type { Row, Trx } from '../../db/schema.ts'
import type { Acting } from '../app-events.ts'
import { createProcess, type ScaledProcess, scaleProcess, updateProcess } from '../processes.ts'
import type { AppManifest } from './app-manifest.ts'

/** Changes the settings of the app's processes. Returns the types of those that had to be created. */
export async function applyProcessChanges(
  trx: Trx,
  acting: Acting,
  app: Row<'apps'>,
  changes: AppManifest['processChanges'],
): Promise<string[]> {
  const created: string[] = []
  for (const { type, change } of changes) {
    const known = await newestProcess(trx, app, type)
    if (known === undefined) created.push(type)
    const processGuid = known ?? (await createProcess(trx, acting, app, type))
    if (Object.keys(change).length > 0) await updateProcess(trx, acting, { app, processGuid }, change)
  }
  return created
}

/** Scales the app's processes, which are there: follow it with `resizeInstances` for those that run. */
export async function applyProcessScales(
  trx: Trx,
  acting: Acting,
  app: Row<'apps'>,
  scales: AppManifest['processScales'],
): Promise<ScaledProcess[]> {
  const scaled: ScaledProcess[] = []
  for (const { type, scale } of scales) {
    const processGuid = (await newestProcess(trx, app, type)) ?? (await createProcess(trx, acting, app, type))
    scaled.push(await scaleProcess(trx, acting, { app, processGuid }, scale))
  }
  return scaled
}

/** During a deployment an app has several processes of type web. */
async function newestProcess(trx: Trx, app: Row<'apps'>, type: string): Promise<string | undefined> {
  const process = await trx
    .selectFrom('processes')
    .select('guid')
    .where('app_guid', '=', app.guid)
    .where('type', '=', type)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return process?.guid
}

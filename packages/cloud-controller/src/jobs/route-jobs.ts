import { deleteRoutes, deleteUnmappedRoutes } from '../actions/routes.ts'
import { updateRoutesOfApps } from '../dea/run-app.ts'
import type { JobHandler } from './handlers.ts'

/** `route.delete`: the route with its destinations; apps stop answering to it at once. */
export const removeRoute: JobHandler = async (services, { resource_guid: guid }) => {
  if (!guid) return undefined
  const appGuids = await services.db.transaction().execute((trx) => deleteRoutes(trx, [guid]))
  await updateRoutesOfApps(services, appGuids)
  return undefined
}

/** `space.delete_unmapped_routes` */
export const removeUnmappedRoutes: JobHandler = async ({ db }, { resource_guid: guid }) => {
  if (guid) await db.transaction().execute((trx) => deleteUnmappedRoutes(trx, guid))
  return undefined
}

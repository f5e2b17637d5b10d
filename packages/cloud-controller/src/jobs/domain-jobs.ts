import { deleteDomain } from '../actions/domains.ts'
import { updateRoutesOfApps } from '../dea/run-app.ts'
import type { JobHandler } from './handlers.ts'

/** `domain.delete`: the domain with its routes; apps that lost one stop answering to it at once. */
export const removeDomain: JobHandler = async (services, { resource_guid: guid }) => {
  if (!guid) return undefined
  const appGuids = await services.db.transaction().execute((trx) => deleteDomain(trx, guid))
  await updateRoutesOfApps(services, appGuids)
  return undefined
}

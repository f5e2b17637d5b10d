import type { Actor } from '../actions/audit-events.ts'
import {
  deleteOrganizationRows,
  organizationDeletionFailed,
  requireUnsharedDomains,
} from '../actions/delete-organization.ts'
import { ApiError } from '../errors/api-error.ts'
import type { ThreadServices } from '../http/environment.ts'
import { DeletionPayload } from './deletion-payload.ts'
import type { JobHandler } from './handlers.ts'
import { deleteSpace } from './space-jobs.ts'

/** `organization.delete`: with its spaces, apps and domains. What can't be deleted leaves it as it was before the request. */
export const removeOrganization: JobHandler = async (services, { resource_guid: guid, payload }) => {
  const { actor, statusBefore } = DeletionPayload.parse(payload)
  if (!guid) return undefined
  try {
    await deleteOrganization(services, actor, guid)
  } catch (error) {
    if (statusBefore)
      await services.db
        .updateTable('organizations')
        .set({ status: statusBefore })
        .where('guid', '=', guid)
        .where('status', '=', 'deleting')
        .execute()
    throw error
  }
  return undefined
}

/** A domain that is shared is found before anything is lost; a space that resists does not keep the others from going. */
async function deleteOrganization(services: ThreadServices, actor: Actor, guid: string): Promise<void> {
  const { db } = services
  const organization = await db.selectFrom('organizations').selectAll().where('guid', '=', guid).executeTakeFirst()
  if (!organization) return
  await requireUnsharedDomains(db, organization)
  const spaces = await db.selectFrom('spaces').select('guid').where('organization_guid', '=', guid).execute()
  const reasons: string[] = []
  for (const space of spaces) {
    try {
      await deleteSpace(services, actor, space.guid, { alsoRecord: true })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      reasons.push(error.message)
    }
  }
  if (reasons.length > 0) throw organizationDeletionFailed(organization.name, reasons)
  await db.transaction().execute((trx) => deleteOrganizationRows(trx, organization))
}

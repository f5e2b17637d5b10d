import { z } from 'zod'
import { deleteOrganizationQuota } from '../actions/organization-quotas.ts'
import { deleteSpaceQuota } from '../actions/space-quotas.ts'
import type { JobHandler } from './handlers.ts'

const Payload = z.object({ actor: z.object({ guid: z.string(), type: z.string(), name: z.string() }) })

/** `organization_quota.delete` */
export const removeOrganizationQuota: JobHandler = async ({ db }, { resource_guid: guid, payload }) => {
  const { actor } = Payload.parse(payload)
  if (guid) await db.transaction().execute((trx) => deleteOrganizationQuota(trx, actor, guid))
  return undefined
}

/** `space_quota.delete` */
export const removeSpaceQuota: JobHandler = async ({ db }, { resource_guid: guid, payload }) => {
  const { actor } = Payload.parse(payload)
  if (guid) await db.transaction().execute((trx) => deleteSpaceQuota(trx, actor, guid))
  return undefined
}

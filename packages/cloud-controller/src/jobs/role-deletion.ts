import { z } from 'zod'
import { deleteRole } from '../actions/roles.ts'
import type { JobHandler } from './handlers.ts'

/** Who asked for it, and the name of the role's holder at that time. */
const Payload = z.object({
  actor: z.object({ guid: z.string(), type: z.string(), name: z.string() }),
  username: z.string().nullable(),
})

/** `role.delete` */
export const removeRole: JobHandler = async ({ db }, { resource_guid: guid, payload }) => {
  const { actor, username } = Payload.parse(payload)
  if (guid) await db.transaction().execute((trx) => deleteRole(trx, actor, guid, username))
  return undefined
}

import { deleteUser } from '../actions/users.ts'
import type { JobHandler } from './handlers.ts'

/** `user.delete`: the row and its roles; the account in UAA stays. */
export const removeUser: JobHandler = async ({ db }, { resource_guid: guid }) => {
  if (guid) await db.transaction().execute((trx) => deleteUser(trx, guid))
  return undefined
}

import { uniquely } from '../db/constraint-violation.ts'
import type { Trx } from '../db/schema.ts'
import { deleteMetadata, type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'

/** Makes the row of a user that UAA has. Throws what `taken` says when there is one. */
export async function createUser(
  trx: Trx,
  { guid, metadata }: { guid: string; metadata: MetadataMessage | undefined },
  taken: () => Error,
): Promise<void> {
  const time = now()
  await uniquely(() => trx.insertInto('users').values({ guid, created_at: time, updated_at: time }).execute(), taken)
  await saveMetadata(trx, { type: 'user', guid }, metadata)
}

/** Makes the row of a user unless there is one: somebody whose row was deleted may still hold a token, or get a role again. */
export async function knowUser(trx: Trx, guid: string): Promise<void> {
  const time = now()
  await trx
    .insertInto('users')
    .values({ guid, created_at: time, updated_at: time })
    .onConflict((conflict) => conflict.column('guid').doNothing())
    .execute()
}

/** Removes the user and its roles, not its account in UAA. Nothing happens when it is gone already. */
export async function deleteUser(trx: Trx, guid: string): Promise<void> {
  await deleteMetadata(trx, 'user', [guid])
  await trx.deleteFrom('roles').where('user_guid', '=', guid).execute()
  await trx.deleteFrom('users').where('guid', '=', guid).execute()
}

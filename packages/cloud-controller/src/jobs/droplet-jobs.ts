import { z } from 'zod'
import { deleteDroplet, finishDroplet } from '../actions/droplets.ts'
import { checksumsOf } from '../bits/checksums.ts'
import type { JobHandler } from './handlers.ts'

const CopyPayload = z.object({ sourceGuid: z.string(), dropletGuid: z.string() })

/** `droplet.copy`: copies the bits of one droplet to another; a source that is gone makes the copy FAILED. */
export const copyDroplet: JobHandler = async ({ db, blobstore }, { payload }) => {
  const { sourceGuid, dropletGuid } = CopyPayload.parse(payload)
  const source = await blobstore.fileOf('droplets', sourceGuid)
  if (source) await blobstore.copy('droplets', sourceGuid, dropletGuid)
  const outcome = source ? await checksumsOf(source) : { error: 'The source droplet has no bits.' }
  await db.transaction().execute((trx) => finishDroplet(trx, dropletGuid, outcome))
  return undefined
}

/** `droplet.upload`: the bits lie in the blobstore; makes the droplet STAGED. */
export const uploadDroplet: JobHandler = async ({ db, blobstore }, { resource_guid: guid }) => {
  if (!guid) return undefined
  const file = await blobstore.fileOf('droplets', guid)
  const outcome = file ? await checksumsOf(file) : { error: 'The upload did not arrive.' }
  await db.transaction().execute((trx) => finishDroplet(trx, guid, outcome))
  return undefined
}

/** `droplet.delete`: the row, then its blob. */
export const removeDroplet: JobHandler = async ({ db, blobstore }, { resource_guid: guid }) => {
  if (!guid) return undefined
  await db.transaction().execute((trx) => deleteDroplet(trx, guid))
  await blobstore.delete('droplets', guid)
  return undefined
}

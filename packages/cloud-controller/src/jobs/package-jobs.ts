import { z } from 'zod'
import { deletePackage, finishPackage } from '../actions/packages.ts'
import type { JobHandler } from './handlers.ts'

const CopyPayload = z.object({ sourceGuid: z.string(), packageGuid: z.string() })

/** `package.copy`: copies the bits of one package to another; a source that is gone makes the copy FAILED. */
export const copyPackage: JobHandler = async ({ db, blobstore, settings }, { payload }) => {
  const { sourceGuid, packageGuid } = CopyPayload.parse(payload)
  const source = await db.selectFrom('packages').selectAll().where('guid', '=', sourceGuid).executeTakeFirst()
  const hasBits = source?.sha1 && source.sha256 && (await blobstore.fileOf('packages', sourceGuid))
  if (hasBits) await blobstore.copy('packages', sourceGuid, packageGuid)
  const outcome =
    hasBits && source.sha1 && source.sha256
      ? { sha1: source.sha1, sha256: source.sha256 }
      : { error: 'The source package has no bits.' }
  await db.transaction().execute((trx) => finishPackage(trx, packageGuid, outcome, settings))
  return undefined
}

/** `package.delete`: the row, then its blob. */
export const removePackage: JobHandler = async ({ db, blobstore }, { resource_guid: guid }) => {
  if (!guid) return undefined
  await db.transaction().execute((trx) => deletePackage(trx, guid))
  await blobstore.delete('packages', guid)
  return undefined
}

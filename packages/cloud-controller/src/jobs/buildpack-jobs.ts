import { parse } from 'yaml'
import { z } from 'zod'
import { assignBits, deleteBuildpack, recordBuildpackEvent } from '../actions/buildpacks.ts'
import { InvalidZip, withZip } from '../bits/zip-archive.ts'
import { apiError } from '../errors/api-error.ts'
import type { JobHandler } from './handlers.ts'

const UploadPayload = z.object({
  sha256: z.string(),
  filename: z.string(),
  actor: z.object({ guid: z.string(), type: z.string(), name: z.string() }),
})
const manifestName = 'manifest.yml'
const manifestLimitInBytes = 1024 * 1024
const Manifest = z.looseObject({ stack: z.string().optional() })

/** `buildpack.upload`: the bits lie in the blobstore; looks into the archive and gives them to the buildpack. */
export const uploadBuildpack: JobHandler = async ({ db, blobstore }, { resource_guid: guid, payload }) => {
  const { sha256, filename, actor } = UploadPayload.parse(payload)
  const buildpack = await db
    .selectFrom('buildpacks')
    .selectAll()
    .where('guid', '=', guid ?? '')
    .executeTakeFirst()
  const file = await blobstore.fileOf('buildpacks', sha256)
  if (!buildpack) return undefined
  if (!file) throw new Error(`the bits of buildpack ${buildpack.guid} are gone`)
  const stackInArchive = buildpack.lifecycle === 'buildpack' ? await stackOf(file) : null
  await db.transaction().execute(async (trx) => {
    await assignBits(trx, buildpack, { sha256, filename, stackInArchive })
    await recordBuildpackEvent(trx, 'upload', buildpack, actor, { bits_name: filename })
  })
  return undefined
}

/** The stack that the archive's manifest.yml names. Throws 390013 for an archive or manifest that can't be read. */
async function stackOf(file: string): Promise<string | null> {
  try {
    return await withZip(file, async (zip, entries) => {
      const entry = entries.find(({ fileName }) => fileName === manifestName)
      if (!entry) return null
      if (entry.uncompressedSize > manifestLimitInBytes)
        throw apiError('BuildpackZipError', `${manifestName} exceeds the limit of 1 MB`)
      const chunks: Buffer[] = []
      for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer)
      const manifest = Manifest.safeParse(parse(Buffer.concat(chunks).toString('utf8')))
      return manifest.success ? (manifest.data.stack ?? null) : null
    })
  } catch (error) {
    if (error instanceof InvalidZip) throw Object.assign(apiError('BuildpackZipError', error.message), { cause: error })
    throw error
  }
}

/** `buildpack.delete`: the row; its bits go when no buildpack of the same bits is left. */
export const removeBuildpack: JobHandler = async ({ db, blobstore }, { resource_guid: guid }) => {
  const buildpack = await db
    .selectFrom('buildpacks')
    .select('sha256')
    .where('guid', '=', guid ?? '')
    .executeTakeFirst()
  if (!guid || !buildpack) return undefined
  await db.transaction().execute((trx) => deleteBuildpack(trx, guid))
  const { sha256 } = buildpack
  const other =
    sha256 && (await db.selectFrom('buildpacks').select('id').where('sha256', '=', sha256).executeTakeFirst())
  if (sha256 && !other) await blobstore.delete('buildpacks', sha256)
  return undefined
}

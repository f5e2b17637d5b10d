import { open, stat } from 'node:fs/promises'
import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import { createBuildpack, recordBuildpackEvent, updateBuildpack } from '../../actions/buildpacks.ts'
import { checksumsOf } from '../../bits/checksums.ts'
import { type MultipartForm, type UploadedFile, withMultipart } from '../../bits/multipart.ts'
import type { Row } from '../../db/schema.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { enqueueJob } from '../../jobs/job-queue.ts'
import { runJobNow } from '../../jobs/run-jobs.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { BitsUpload } from '../kit/bits-upload.ts'
import { answers, answersJob, lists, shows, takes, takesOther } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { BuildpackCreate, BuildpackUpdate } from './messages.ts'
import { buildpacks } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/buildpacks_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/buildpacks', lists(buildpacks))
routes.get('/v3/buildpacks/:guid', shows(buildpacks))

routes.post('/v3/buildpacks', takes(BuildpackCreate), answers(201, buildpacks), async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const message = await c.var.message()
  const guid = await db.transaction().execute((trx) => createBuildpack(trx, message, actorOf(caller)))
  return c.var.answer(guid)
})

routes.patch('/v3/buildpacks/:guid', takes(BuildpackUpdate), answers(200, buildpacks), async (c) => {
  const { db, caller } = c.var
  const buildpack = await find(c, buildpacks)
  requireAdmin(caller)
  const message = await c.var.message()
  await db.transaction().execute((trx) => updateBuildpack(trx, buildpack, message, actorOf(caller)))
  return c.var.answer(buildpack.guid)
})

/** 202 with the buildpack and the job's address; the job is over already when the answer arrives. */
routes.post(
  '/v3/buildpacks/:guid/upload',
  takesOther('multipart/form-data', BitsUpload),
  answers(202, buildpacks),
  async (c) => {
    const { db, caller, blobstore, settings } = c.var
    const buildpack = await find(c, buildpacks)
    requireAdmin(caller)
    return withMultipart(c, async (form) => {
      const file = await archiveOf(form, buildpack.lifecycle)
      if (buildpack.locked === 1) throw unprocessable('Buildpack is locked')
      const { sha256 } = await checksumsOf(file.path)
      await blobstore.put('buildpacks', sha256, file.path)
      const job = await db.transaction().execute((trx) =>
        enqueueJob(trx, {
          operation: 'buildpack.upload',
          resource: { type: 'buildpack', guid: buildpack.guid },
          payload: { sha256, filename: file.filename, actor: actorOf(caller) },
        }),
      )
      await runJobNow(c.var, job)
      c.header('Location', `${settings.externalUrl}/v3/jobs/${job}`)
      return c.var.answer(buildpack.guid)
    })
  },
)

const zipMagic = Buffer.from('PK\x03\x04', 'latin1')
const gzipMagic = Buffer.from('\x1f\x8b\x08', 'latin1')
const tarMagicOffset = 257

/** The uploaded archive, if it is one of the lifecycle's kind. Throws 422 with all that is wrong. */
async function archiveOf({ files }: MultipartForm, lifecycle: Row<'buildpacks'>['lifecycle']): Promise<UploadedFile> {
  const file = files.get('bits')
  const faults = file ? await archiveFaults(file, lifecycle) : ["A buildpack zip file must be uploaded as 'bits'"]
  if (!file || faults.length > 0) throw unprocessable(`Uploaded buildpack file is invalid: ${faults.join(', ')}`)
  return file
}

async function archiveFaults(
  { path, filename }: UploadedFile,
  lifecycle: Row<'buildpacks'>['lifecycle'],
): Promise<string[]> {
  const head = await headOf(path)
  const isZip = head.subarray(0, zipMagic.length).equals(zipMagic)
  const isCnb =
    head.subarray(0, gzipMagic.length).equals(gzipMagic) ||
    head.subarray(tarMagicOffset, tarMagicOffset + 5).toString('latin1') === 'ustar'
  const faults: string[] = []
  if (lifecycle === 'buildpack' && !isZip)
    faults.push(`${filename} is not a zip file. Buildpacks of lifecycle "buildpack" must be valid zip files.`)
  if (lifecycle === 'cnb' && !isCnb)
    faults.push(
      `${filename} is not a gzip archive or cnb file. Buildpacks of lifecycle "cnb" must be valid gzip archives or cnb files.`,
    )
  if ((await stat(path)).size === 0) faults.push(`${filename} cannot be empty`)
  return faults
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

routes.delete('/v3/buildpacks/:guid', answersJob(), async (c) => {
  const { caller } = c.var
  const buildpack = await find(c, buildpacks)
  requireAdmin(caller)
  const job = { operation: 'buildpack.delete', resource: { type: 'buildpack', guid: buildpack.guid } }
  return c.var.answer(job, (trx) => recordBuildpackEvent(trx, 'delete', buildpack, actorOf(caller)))
})

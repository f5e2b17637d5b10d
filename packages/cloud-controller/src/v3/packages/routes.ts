import { Hono } from 'hono'
import type { z } from 'zod'
import { actorOf } from '../../actions/audit-events.ts'
import { requireFeature } from '../../actions/feature-flags.ts'
import {
  claimPackageUpload,
  createPackage,
  createPackageCopy,
  finishPackage,
  recordPackageEvent,
  updatePackage,
} from '../../actions/packages.ts'
import { type MultipartForm, withMultipart } from '../../bits/multipart.ts'
import { InvalidPackage, storePackageBits } from '../../bits/package-bits.ts'
import type { Resource } from '../../bits/resource-pool.ts'
import { InvalidZip } from '../../bits/zip-archive.ts'
import type { Row } from '../../db/schema.ts'
import { apiError, notAuthorized, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { enqueueJob } from '../../jobs/job-queue.ts'
import { runJobNow } from '../../jobs/run-jobs.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { canInSpace, requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { validated } from '../kit/body.ts'
import { answers, answersFile, answersJob, lists, reads, shows, takes, takesOther } from '../kit/operation.ts'
import { sourceGuid } from '../kit/query-parameters.ts'
import { find, findReadable } from '../kit/verbs.ts'
import { resourceList } from '../resource-matches/messages.ts'
import { PackageCopy, PackageCreate, PackageUpdate, PackageUpload } from './messages.ts'
import { packages } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/packages_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/packages', lists(packages))
routes.get('/v3/packages/:guid', shows(packages))

routes.get(
  '/v3/apps/:guid/packages',
  lists(packages, {
    without: ['app_guids', 'space_guids', 'organization_guids'],
    perRequest: async (c) => {
      const app = await find(c, apps)
      return { where: (query) => query.where('packages.app_guid', '=', app.guid) }
    },
  }),
)

routes.post('/v3/packages', reads(sourceGuid), takes(PackageCreate, PackageCopy), answers(201, packages), async (c) => {
  const source = c.req.query(sourceGuid.name)
  const guid =
    source === undefined
      ? await createFresh(c, await c.var.message())
      : await createCopy(c, source, await c.var.message(PackageCopy))
  return c.var.answer(guid)
})

async function createFresh(c: RequestContext, message: z.output<typeof PackageCreate>): Promise<string> {
  const { db, caller, settings, bus } = c.var
  const app = await writableApp(c, message.relationships.app.data.guid)
  const guid = await db
    .transaction()
    .execute((trx) => createPackage(trx, { app, message, keys: settings.encryptionKeys }, caller))
  emitAppLog(bus, app.guid, `Adding app package for app with guid ${app.guid}`)
  return guid
}

async function createCopy(
  c: RequestContext,
  sourceGuid: string,
  message: z.output<typeof PackageCopy>,
): Promise<string> {
  const { db, caller, bus } = c.var
  const app = await writableApp(c, message.relationships.app.data.guid)
  const source = await findReadable(c, packages, sourceGuid)
  if (!source) throw unprocessable('Source package is invalid. Ensure it exists and you have access to it.')
  await requireInSpace(db, caller, source.space_guid, 'write')
  const copy = await db.transaction().execute(async (trx) => {
    const guid = await createPackageCopy(trx, { app, source }, caller)
    const job =
      source.type === 'bits' &&
      (await enqueueJob(trx, {
        operation: 'package.copy',
        payload: { sourceGuid: source.guid, packageGuid: guid },
        visible: false,
      }))
    return { guid, job }
  })
  const copied = `copied from package with guid ${source.guid}`
  emitAppLog(bus, app.guid, `Adding app package for app with guid ${app.guid} ${copied}`)
  if (copy.job) await runJobNow(c.var, copy.job)
  return copy.guid
}

async function writableApp(c: RequestContext, guid: string): Promise<Row<'apps'>> {
  const app = await findReadable(c, apps, guid)
  if (!app) throw unprocessable('App is invalid. Ensure it exists and you have access to it.')
  await requireInSpace(c.var.db, c.var.caller, app.space_guid, 'write')
  return app
}

routes.patch('/v3/packages/:guid', takes(PackageUpdate), answers(200, packages), async (c) => {
  const { db, caller, settings } = c.var
  const message = await c.var.message()
  const row = await find(c, packages)
  if (row.type !== 'docker' && (message.username || message.password))
    throw unprocessable('Cannot update Docker credentials for a buildpack app.')
  await requireInSpace(db, caller, row.space_guid, 'write')
  await db.transaction().execute((trx) => updatePackage(trx, row, message, settings.encryptionKeys))
  return c.var.answer(row.guid)
})

/** Processes the bits before it answers, so that the client need not ask again and again: CC does the same in a job. */
routes.post(
  '/v3/packages/:guid/upload',
  takesOther('multipart/form-data', PackageUpload),
  answers(200, packages),
  async (c) => {
    await requireFeature(c.var.db, c.var.caller, 'app_bits_upload')
    return withMultipart(c, async (form) => {
      const resources = uploadedResources(form)
      const { db, caller, bus } = c.var
      const row = await find(c, packages)
      await requireInSpace(db, caller, row.space_guid, 'write')
      if (row.type !== 'bits') throw unprocessable('Package type must be bits.')
      await db.transaction().execute(async (trx) => {
        if (!(await claimPackageUpload(trx, row.guid))) throw apiError('PackageBitsAlreadyUploaded')
        await recordPackageEvent(trx, 'upload', { app: appOf(row), packageGuid: row.guid }, actorOf(caller))
      })
      emitAppLog(bus, row.app_guid, `Uploading app package for app with guid ${row.app_guid}`)
      await processUpload(c, row.guid, form, resources)
      return c.var.answer(row.guid)
    })
  },
)

function uploadedResources({ fields, files }: MultipartForm): Resource[] {
  const text = fields.get('resources') ?? ''
  let parsed: unknown = []
  try {
    if (text !== '') parsed = JSON.parse(text)
  } catch {
    throw unprocessable('Resources must be valid JSON.')
  }
  const isEmpty = Array.isArray(parsed) && parsed.length === 0
  if (isEmpty && !files.has('bits')) throw unprocessable('Upload must include either resources or bits')
  return isEmpty ? [] : validated(parsed, resourceList())
}

async function processUpload(
  c: RequestContext,
  packageGuid: string,
  form: MultipartForm,
  resources: readonly Resource[],
): Promise<void> {
  const { db, settings, logger } = c.var
  const outcome = await storePackageBits(c.var, packageGuid, {
    zipFile: form.files.get('bits')?.path,
    resources,
    workDirectory: form.directory,
  }).catch((error: unknown) => {
    if (error instanceof InvalidZip) return { error: apiError('AppBitsUploadInvalid', 'Invalid zip archive.').message }
    if (error instanceof InvalidPackage) return { error: apiError('AppBitsUploadInvalid', error.message).message }
    logger.error({ err: error, package: packageGuid }, 'could not process an uploaded package')
    return { error: 'The package could not be processed.' }
  })
  await db.transaction().execute((trx) => finishPackage(trx, packageGuid, outcome, settings))
}

const appOf = (row: { app_guid: string; app_name: string; space_guid: string }) => ({
  guid: row.app_guid,
  name: row.app_name,
  space_guid: row.space_guid,
})

routes.get('/v3/packages/:guid/download', answersFile('application/zip'), async (c) => {
  const { db, caller, blobstore, bus } = c.var
  const row = await find(c, packages)
  if (!(await canInSpace(db, caller, row.space_guid, 'readSecrets'))) throw notAuthorized()
  if (row.type !== 'bits') throw unprocessable('Package type must be bits.')
  const file = row.state === 'READY' ? await blobstore.fileOf('packages', row.guid) : undefined
  if (!file) throw unprocessable('Package has no bits to download.')
  await db
    .transaction()
    .execute((trx) => recordPackageEvent(trx, 'download', { app: appOf(row), packageGuid: row.guid }, actorOf(caller)))
  emitAppLog(bus, row.app_guid, `Downloading app package for app with guid ${row.app_guid}`)
  return c.var.answer(file)
})

routes.delete('/v3/packages/:guid', answersJob(), async (c) => {
  const { db, caller, bus } = c.var
  const row = await find(c, packages)
  await requireInSpace(db, caller, row.space_guid, 'write')
  const job = { operation: 'package.delete', resource: { type: 'package', guid: row.guid } }
  const answer = await c.var.answer(job, (trx) =>
    recordPackageEvent(trx, 'delete', { app: appOf(row), packageGuid: row.guid }, actorOf(caller)),
  )
  emitAppLog(bus, row.app_guid, `Deleting app package for app with guid ${row.app_guid}`)
  return answer
})

import { stat } from 'node:fs/promises'
import { Hono } from 'hono'
import type { z } from 'zod'
import { recordAppEvent } from '../../actions/app-events.ts'
import { claimDropletUpload, createDroplet, createDropletCopy, requireUnusedDroplet } from '../../actions/droplets.ts'
import { type MultipartForm, type UploadedFile, withMultipart } from '../../bits/multipart.ts'
import type { Row } from '../../db/schema.ts'
import { notAuthorized, notFound, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { enqueueJob } from '../../jobs/job-queue.ts'
import { runJobNow } from '../../jobs/run-jobs.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { canInSpace, requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acting } from '../kit/acting.ts'
import { BitsUpload } from '../kit/bits-upload.ts'
import { jsonObject } from '../kit/body.ts'
import { saveMetadata } from '../kit/metadata.ts'
import { answers, answersFile, answersJob, lists, reads, shows, takes, takesOther } from '../kit/operation.ts'
import { sourceGuid } from '../kit/query-parameters.ts'
import { now } from '../kit/timestamps.ts'
import { find, findReadable, reread } from '../kit/verbs.ts'
import { packages } from '../packages/resource.ts'
import { DropletCopy, DropletCreate, DropletUpdate } from './messages.ts'
import { type DropletRow, droplets } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/droplets_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/droplets', lists(droplets, { without: ['current'] }))
routes.get('/v3/droplets/:guid', shows(droplets))

routes.get(
  '/v3/apps/:guid/droplets',
  lists(droplets, {
    without: ['app_guids', 'space_guids', 'organization_guids'],
    perRequest: async (c) => {
      const app = await find(c, apps)
      return { where: (query) => query.where('droplets.app_guid', '=', app.guid) }
    },
  }),
)

routes.get(
  '/v3/packages/:guid/droplets',
  lists(droplets, {
    without: ['current'],
    perRequest: async (c) => {
      const row = await find(c, packages)
      return { where: (query) => query.where('droplets.package_guid', '=', row.guid) }
    },
  }),
)

routes.get('/v3/apps/:guid/droplets/current', answers(200, droplets), async (c) => {
  const app = await find(c, apps)
  if (app.droplet_guid === null) throw notFound('Droplet')
  return c.var.answer(await find(c, droplets, app.droplet_guid))
})

routes.post('/v3/droplets', reads(sourceGuid), takes(DropletCreate, DropletCopy), answers(201, droplets), async (c) => {
  const source = c.req.query(sourceGuid.name)
  const guid =
    source === undefined
      ? await createFresh(c, await c.var.message())
      : await createCopy(c, source, await c.var.message(DropletCopy))
  return c.var.answer(guid)
})

async function createFresh(c: RequestContext, message: z.output<typeof DropletCreate>): Promise<string> {
  const { db, caller, bus } = c.var
  const appGuid = message.relationships.app.data.guid
  const app = await findReadable(c, apps, appGuid)
  if (!app) throw unprocessable(`App with guid "${appGuid}" does not exist, or you do not have access to it.`)
  await requireInSpace(db, caller, app.space_guid, 'write')
  const guid = await db.transaction().execute((trx) => createDroplet(trx, acting(c), app, message.process_types))
  emitAppLog(bus, app.guid, `Creating droplet for app with guid ${app.guid}`)
  return guid
}

async function createCopy(
  c: RequestContext,
  sourceGuid: string,
  message: z.output<typeof DropletCopy>,
): Promise<string> {
  const { db, caller, bus } = c.var
  const source = await find(c, droplets, sourceGuid)
  const app = await find(c, apps, message.relationships.app.data.guid)
  await requireInSpace(db, caller, app.space_guid, 'write')
  const copy = await db.transaction().execute(async (trx) => {
    const guid = await createDropletCopy(trx, acting(c), app, source)
    const payload = { sourceGuid: source.guid, dropletGuid: guid }
    return { guid, job: await enqueueJob(trx, { operation: 'droplet.copy', payload, visible: false }) }
  })
  emitAppLog(bus, app.guid, `Creating droplet for app with guid ${app.guid}`)
  await runJobNow(c.var, copy.job)
  return copy.guid
}

/** Metadata by those who may write to the space; the image by who may update the state of builds, and only of Docker droplets. */
routes.patch('/v3/droplets/:guid', takes(DropletUpdate), answers(200, droplets), async (c) => {
  const { db, caller } = c.var
  const mayUpdateState = caller.writesGlobally || caller.scopes.has('cloud_controller.update_build_state')
  const droplet = mayUpdateState ? await reread(c, droplets, c.req.param('guid')) : await find(c, droplets)
  const sent = await jsonObject(c)
  if (!('image' in sent)) await requireInSpace(db, caller, droplet.space_guid, 'write')
  else if (!mayUpdateState) throw notAuthorized()
  const message = await c.var.message()
  if (message.image !== undefined && droplet.state !== 'STAGED')
    throw unprocessable('Droplet image can only be updated on staged droplets')
  if (message.image !== undefined && droplet.lifecycle_type !== 'docker')
    throw unprocessable('Images can only be updated for docker droplets')
  await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('droplets')
      .set({ updated_at: now(), ...(message.image !== undefined && { image: message.image }) })
      .where('guid', '=', droplet.guid)
      .execute()
    await saveMetadata(trx, { type: 'droplet', guid: droplet.guid }, message.metadata)
  })
  return c.var.answer(droplet.guid)
})

/** 202 with the droplet and the job's address; the job is over already when the answer arrives. */
routes.post('/v3/droplets/:guid/upload', takesOther('multipart/form-data', BitsUpload), answers(202, droplets), (c) =>
  withMultipart(c, async (form) => {
    const { db, caller, blobstore, settings, bus } = c.var
    const file = await tgzOf(form)
    const droplet = await find(c, droplets)
    await requireInSpace(db, caller, droplet.space_guid, 'write')
    await db.transaction().execute(async (trx) => {
      if (!(await claimDropletUpload(trx, droplet.guid)))
        throw unprocessable('Droplet may be uploaded only once. Create a new droplet to upload bits.')
      await recordAppEvent(trx, acting(c), 'droplet.upload', appOf(droplet), { droplet_guid: droplet.guid })
    })
    emitAppLog(bus, droplet.app_guid, `Uploading droplet for app with guid ${droplet.app_guid}`)
    await blobstore.put('droplets', droplet.guid, file.path)
    const resource = { type: 'droplet', guid: droplet.guid }
    const job = await db.transaction().execute((trx) => enqueueJob(trx, { operation: 'droplet.upload', resource }))
    await runJobNow(c.var, job)
    c.header('Location', `${settings.externalUrl}/v3/jobs/${job}`)
    return c.var.answer(droplet.guid)
  }),
)

async function tgzOf({ files }: MultipartForm): Promise<UploadedFile> {
  const file = files.get('bits')
  const faults = file ? await tgzFaults(file) : ["A droplet tgz file must be uploaded as 'bits'"]
  if (!file || faults.length > 0) throw unprocessable(`Uploaded droplet file is invalid: ${faults.join(', ')}`)
  return file
}

async function tgzFaults({ path, filename }: UploadedFile): Promise<string[]> {
  return [
    ...(/\.(tgz|tar\.gz)$/.test(filename) ? [] : [`${filename} is not a tgz`]),
    ...((await stat(path)).size > 0 ? [] : [`${filename} cannot be empty`]),
  ]
}

const appOf = (droplet: DropletRow): Pick<Row<'apps'>, 'guid' | 'name' | 'space_guid'> => ({
  guid: droplet.app_guid,
  name: droplet.app_name,
  space_guid: droplet.space_guid,
})

routes.get('/v3/droplets/:guid/download', answersFile('application/octet-stream'), async (c) => {
  const { db, caller, blobstore, bus } = c.var
  const droplet = await find(c, droplets)
  if (!(await canInSpace(db, caller, droplet.space_guid, 'downloadDroplets'))) throw notAuthorized()
  if (droplet.lifecycle_type === 'docker') throw unprocessable("Cannot download droplets with 'docker' lifecycle.")
  if (droplet.state !== 'STAGED') throw unprocessable('Only staged droplets can be downloaded.')
  const file = await blobstore.fileOf('droplets', droplet.guid)
  if (!file) throw notFound('Droplet')
  await recordAppEvent(db, acting(c), 'droplet.download', appOf(droplet), { droplet_guid: droplet.guid })
  emitAppLog(bus, droplet.app_guid, `Downloading droplet for app with guid ${droplet.app_guid}`)
  return c.var.answer(file, { 'content-disposition': `attachment; filename="droplet_${droplet.guid}.tgz"` })
})

routes.delete('/v3/droplets/:guid', answersJob(), async (c) => {
  const { db, caller, bus } = c.var
  const droplet = await find(c, droplets)
  await requireInSpace(db, caller, droplet.space_guid, 'write')
  await requireUnusedDroplet(db, droplet.guid)
  const job = { operation: 'droplet.delete', resource: { type: 'droplet', guid: droplet.guid } }
  const answer = await c.var.answer(job, (trx) =>
    recordAppEvent(trx, acting(c), 'droplet.delete', appOf(droplet), { droplet_guid: droplet.guid }),
  )
  emitAppLog(bus, droplet.app_guid, `Deleting droplet for app with guid ${droplet.app_guid}`)
  return answer
})

import { timingSafeEqual } from 'node:crypto'
import { Hono, type MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { findOrCreateDropletOfBuild } from '../actions/droplets.ts'
import { checksumsOf } from '../bits/checksums.ts'
import { type MultipartForm, withMultipart } from '../bits/multipart.ts'
import type { BlobKind } from '../blobstore/blobstore.ts'
import { apiError, notFound } from '../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../http/environment.ts'
import { emitAppLog } from '../logs/app-log.ts'
import { answersFile, answersNothing, answersWith, takesOther } from '../v3/kit/operation.ts'
import { tagged } from '../v3/kit/operation-facts.ts'
import { now } from '../v3/kit/timestamps.ts'
import { buildpackCacheKey } from './blob-urls.ts'

/** Where cells fetch packages, buildpacks and droplets, and bring droplets and caches (message-bus fact sheet, section 3.6). */
export const routes = new Hono<WorkerEnv>()

routes.use('/staging/*', tagged({ security: 'basic' }, stagingAuthentication()))

/** Basic authentication with the password as it is or percent-encoded, as cells of all ages send it. 401/10002 otherwise. */
function stagingAuthentication(): MiddlewareHandler<WorkerEnv> {
  return async (c, next) => {
    const { username, password } = c.var.settings.stagingAuth
    const sent = c.req.header('authorization') ?? ''
    const accepted = [password, encodeURIComponent(password)].map(
      (form) => `Basic ${Buffer.from(`${username}:${form}`).toString('base64')}`,
    )
    if (!accepted.some((header) => isSame(sent, header))) throw apiError('NotAuthenticated')
    await next()
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const blob = answersFile('application/octet-stream')

routes.get('/staging/packages/:guid/download', blob, async (c) =>
  c.var.answer(await blobFile(c, 'packages', c.req.param('guid'), 'Package')),
)
routes.get('/staging/droplets/:guid/download', blob, async (c) =>
  c.var.answer(await blobFile(c, 'droplets', c.req.param('guid'), 'Droplet')),
)

routes.get('/staging/buildpacks/:guid/download', blob, async (c) => {
  const { sha256 } =
    (await c.var.db
      .selectFrom('buildpacks')
      .select('sha256')
      .where('guid', '=', c.req.param('guid'))
      .executeTakeFirst()) ?? {}
  if (!sha256) throw notFound('Buildpack')
  return c.var.answer(await blobFile(c, 'buildpacks', sha256, 'Buildpack'))
})

routes.get('/staging/buildpack_cache/:stack/:app_guid/download', blob, async (c) => {
  const key = buildpackCacheKey(c.req.param('app_guid'), c.req.param('stack'))
  return c.var.answer(await blobFile(c, 'buildpack-caches', key, 'Buildpack cache'))
})

async function blobFile(c: RequestContext, kind: BlobKind, key: string, name: string): Promise<string> {
  const file = await c.var.blobstore.fileOf(kind, key)
  if (!file) throw notFound(name)
  return file
}

const upload = takesOther('multipart/form-data', z.object({}).catchall(z.file()))
const StagedDroplet = z.object({ guid: z.string(), sha1: z.string(), sha256: z.string() })

/** The droplet of a build: kept under the droplet's guid, with its checksums, until the cell says that the build is complete. */
routes.post('/staging/droplets/:build_guid/upload', upload, answersWith(200, StagedDroplet), (c) =>
  withMultipart(c, async (form) => {
    const { db, blobstore, bus } = c.var
    const file = uploadedFile(form)
    const checksums = await checksumsOf(file)
    const droplet = await db.transaction().execute((trx) => findOrCreateDropletOfBuild(trx, c.req.param('build_guid')))
    if (!droplet) throw notFound('Build')
    const { guid } = droplet
    if (droplet.isNew) emitAppLog(bus, droplet.app_guid, `Creating droplet for app with guid ${droplet.app_guid}`)
    await blobstore.put('droplets', guid, file)
    await db
      .updateTable('droplets')
      .set({ ...checksums, updated_at: now() })
      .where('guid', '=', guid)
      .execute()
    return c.var.answer({ guid, ...checksums })
  }),
)

routes.post('/staging/buildpack_cache/:stack/:app_guid/upload', upload, answersNothing(200), (c) =>
  withMultipart(c, async (form) => {
    const { db, blobstore } = c.var
    const appGuid = c.req.param('app_guid')
    const app = await db.selectFrom('apps').select('guid').where('guid', '=', appGuid).executeTakeFirst()
    if (!app) throw notFound('App')
    await blobstore.put('buildpack-caches', buildpackCacheKey(appGuid, c.req.param('stack')), uploadedFile(form))
    return c.var.answer()
  }),
)

/** The one file of the form: `upload[droplet]` from a DEA. */
function uploadedFile({ files }: MultipartForm): string {
  const [file] = files.values()
  if (!file) throw apiError('StagingError', 'malformed upload request: there is no file in it')
  return file.path
}

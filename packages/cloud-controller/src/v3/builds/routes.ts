import { Hono } from 'hono'
import { type LifecycleMessage, lifecycleForBuild } from '../../actions/app-lifecycle.ts'
import { createBuild } from '../../actions/builds.ts'
import { requireFeatureOfEveryone } from '../../actions/feature-flags.ts'
import type { Row } from '../../db/schema.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { canInSpace, requireActiveSpace, requireInSpace } from '../../permissions/guards.ts'
import { stageBuild } from '../../staging/stage-build.ts'
import { apps } from '../apps/resource.ts'
import { saveMetadata } from '../kit/metadata.ts'
import { answers, lists, takes } from '../kit/operation.ts'
import { find, reread } from '../kit/verbs.ts'
import { addWarnings } from '../kit/warnings.ts'
import { BuildCreate, BuildUpdate } from './messages.ts'
import { endedSoon, letLogArrive } from './patience.ts'
import { builds } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/builds_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/builds', lists(builds))

routes.get('/v3/builds/:guid', answers(200, builds), async (c) => {
  const build = await endedSoon(c, await find(c, builds))
  await letLogArrive(c, build)
  return c.var.answer(build)
})

routes.get(
  '/v3/apps/:guid/builds',
  lists(builds, {
    without: ['app_guids', 'package_guids'],
    perRequest: async (c) => {
      const app = await find(c, apps)
      return { where: (query) => query.where('builds.app_guid', '=', app.guid) }
    },
  }),
)

routes.post('/v3/builds', takes(BuildCreate), answers(201, builds), async (c) => {
  const { db, caller, settings, bus } = c.var
  const message = await c.var.message()
  const { app, packageRow } = await usablePackage(c, message.package.guid)
  await requireActiveSpace(db, caller, app.space_guid)
  if (packageRow.type === 'docker') await requireFeatureOfEveryone(db, 'diego_docker')
  const lifecycle = await lifecycleForBuild(db, settings, app, message.lifecycle as LifecycleMessage | undefined)
  const guid = await db
    .transaction()
    .execute((trx) => createBuild(trx, { app, packageRow, lifecycle, message, settings }, caller))
  emitAppLog(bus, app.guid, `Creating build for app with guid ${app.guid}`)
  const build = await reread(c, builds, guid)
  await stageBuild(c.var, build, app)
  addWarnings(c, lifecycle.warnings)
  return c.var.answer(build)
})

/** The package, if the caller may manage apps where it is. Throws 422, never 404. */
async function usablePackage(
  c: RequestContext,
  guid: string,
): Promise<{ app: Row<'apps'>; packageRow: Row<'packages'> }> {
  const { db, caller } = c.var
  const packageRow = await db.selectFrom('packages').selectAll().where('guid', '=', guid).executeTakeFirst()
  const app =
    packageRow && (await db.selectFrom('apps').selectAll().where('guid', '=', packageRow.app_guid).executeTakeFirst())
  if (!app || !(await canInSpace(db, caller, app.space_guid, 'manageApps')))
    throw unprocessable('Unable to use package. Ensure that the package exists and you have access to it.')
  return { app, packageRow }
}

routes.patch('/v3/builds/:guid', takes(BuildUpdate), answers(200, builds), async (c) => {
  const { db, caller } = c.var
  const build = await find(c, builds)
  await requireInSpace(db, caller, build.space_guid, 'write')
  const message = await c.var.message()
  await db.transaction().execute((trx) => saveMetadata(trx, { type: 'build', guid: build.guid }, message.metadata))
  return c.var.answer(build.guid)
})

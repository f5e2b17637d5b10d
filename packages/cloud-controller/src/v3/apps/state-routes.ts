import { Hono } from 'hono'
import { lacksDroplet, restartApp, startApp, stopApp } from '../../actions/app-state.ts'
import { requireFeatureOfEveryone } from '../../actions/feature-flags.ts'
import type { Row } from '../../db/schema.ts'
import { replaceInstances, startInstances, stopInstances } from '../../dea/run-app.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { acting } from '../kit/acting.ts'
import { answers, answersJob } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { apps } from './resource.ts'

/** Actions that make an app run or stop. Checks in the order of cloud_controller_ng app/controllers/v3/apps_controller.rb. */
export const routes = new Hono<WorkerEnv>()

const newRevision = (appGuid: string): string => `Creating revision for app with guid ${appGuid}`

routes.post('/v3/apps/:guid/actions/start', answers(200, apps), async (c) => {
  const { db, bus } = c.var
  const app = await findStartable(c)
  const started = await db.transaction().execute((trx) => startApp(trx, acting(c), app.guid))
  if (started.hasNewRevision) emitAppLog(bus, app.guid, newRevision(app.guid))
  emitAppLog(bus, app.guid, `Starting app with guid ${app.guid}`)
  await startInstances(c.var, started.processes)
  return c.var.answer(app.guid)
})

routes.post('/v3/apps/:guid/actions/stop', answers(200, apps), async (c) => {
  const { db, caller, bus } = c.var
  const app = await find(c, apps)
  await requireInSpace(db, caller, app.space_guid, 'manageApps')
  const stopped = await db.transaction().execute((trx) => stopApp(trx, acting(c), app.guid))
  emitAppLog(bus, app.guid, `Stopping app with guid ${app.guid}`)
  stopInstances(
    c.var,
    stopped.map((process) => process.guid),
  )
  return c.var.answer(app.guid)
})

routes.post('/v3/apps/:guid/actions/restart', answers(200, apps), async (c) => {
  const { db, bus } = c.var
  const app = await findStartable(c)
  const restarted = await db.transaction().execute((trx) => restartApp(trx, acting(c), app.guid))
  if (restarted.hasNewRevision) emitAppLog(bus, app.guid, newRevision(app.guid))
  emitAppLog(bus, app.guid, `Restarted app with guid ${app.guid}`)
  if (restarted.wereRunning) await replaceInstances(c.var, restarted.processes)
  else await startInstances(c.var, restarted.processes)
  return c.var.answer(app.guid)
})

routes.post('/v3/apps/:guid/actions/clear_buildpack_cache', answersJob(), async (c) => {
  const { db, caller, bus } = c.var
  const app = await find(c, apps)
  await requireInSpace(db, caller, app.space_guid, 'manageApps')
  const answer = await c.var.answer({
    operation: 'app.clear_buildpack_cache',
    resource: { type: 'app', guid: app.guid },
  })
  emitAppLog(bus, app.guid, `Enqueued job to delete app buildpack cache with app guid ${app.guid}`)
  return answer
})

/** The app, if it has a droplet (422 before 403, as in CC) and the caller may start it. */
async function findStartable(c: RequestContext): Promise<Row<'apps'>> {
  const { db, caller } = c.var
  const app = await find(c, apps)
  if (app.droplet_guid === null) throw lacksDroplet()
  await requireInSpace(db, caller, app.space_guid, 'manageApps')
  if (app.lifecycle_type === 'docker') await requireFeatureOfEveryone(db, 'diego_docker')
  if (app.lifecycle_type === 'cnb') await requireFeatureOfEveryone(db, 'diego_cnb')
  return app
}

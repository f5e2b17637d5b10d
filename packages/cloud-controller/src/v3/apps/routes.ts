import { Hono } from 'hono'
import { z } from 'zod'
import { censoredRequest } from '../../actions/app-events.ts'
import { lifecycleForNewApp, lifecycleForUpdate } from '../../actions/app-lifecycle.ts'
import { createApp, updateApp } from '../../actions/apps.ts'
import { actorOf } from '../../actions/audit-events.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { canInSpace, requireInSpace } from '../../permissions/guards.ts'
import { acting } from '../kit/acting.ts'
import { answers, answersJob, answersWith, lists, shows, takes } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { addWarnings } from '../kit/warnings.ts'
import { AppCreate, AppUpdate } from './messages.ts'
import { apps } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/apps_controller.rb. */
const AppPermissions = z.object({ read_basic_data: z.boolean(), read_sensitive_data: z.boolean() })

export const routes = new Hono<WorkerEnv>()

routes.get('/v3/apps', lists(apps))
routes.get('/v3/apps/:guid', shows(apps))

routes.post('/v3/apps', takes(AppCreate), answers(201, apps), async (c) => {
  const { db, caller, settings, bus } = c.var
  const message = await c.var.message() // 422 before 404: CC parses before it looks up
  const spaceGuid = message.relationships.space.data.guid
  const space = await db.selectFrom('spaces').select('guid').where('guid', '=', spaceGuid).executeTakeFirst()
  if (!space || !(await canInSpace(db, caller, spaceGuid, 'read')))
    throw unprocessable('Invalid space. Ensure that the space exists and you have access to it.')
  await requireInSpace(db, caller, spaceGuid, 'write')
  const lifecycle = await lifecycleForNewApp(db, settings, message.lifecycle)
  const guid = await db.transaction().execute((trx) =>
    createApp(trx, acting(c), {
      name: message.name,
      spaceGuid,
      lifecycle,
      environmentVariables: message.environment_variables ?? {},
      metadata: message.metadata,
      request: message,
    }),
  )
  emitAppLog(bus, guid, 'Added process: "web"')
  emitAppLog(bus, guid, `Created app with guid ${guid}`)
  addWarnings(c, lifecycle.warnings)
  return c.var.answer(guid)
})

routes.patch('/v3/apps/:guid', takes(AppUpdate), answers(200, apps), async (c) => {
  const { db, caller, settings, bus } = c.var
  const message = await c.var.message() // 422 before 404: CC parses before it looks up
  const app = await find(c, apps)
  await requireInSpace(db, caller, app.space_guid, 'write')
  const { lifecycle: wanted, ...rest } = message
  const lifecycle = wanted && (await lifecycleForUpdate(db, settings, app, wanted))
  await db.transaction().execute((trx) => updateApp(trx, acting(c), app, { ...rest, lifecycle, request: message }))
  emitAppLog(bus, app.guid, `Updated app with guid ${app.guid} (${JSON.stringify(censoredRequest(message))})`)
  addWarnings(c, lifecycle?.warnings ?? [])
  return c.var.answer(app.guid)
})

routes.delete('/v3/apps/:guid', answersJob(), async (c) => {
  const { db, caller, bus } = c.var
  const app = await find(c, apps)
  await requireInSpace(db, caller, app.space_guid, 'write')
  const answer = await c.var.answer({
    operation: 'app.delete',
    resource: { type: 'app', guid: app.guid },
    payload: { actor: actorOf(caller) },
  })
  emitAppLog(bus, app.guid, `Enqueued job to delete app with guid ${app.guid}`)
  return answer
})

routes.get('/v3/apps/:guid/permissions', answersWith(200, AppPermissions), async (c) => {
  const { db, caller } = c.var
  const app = await find(c, apps)
  return c.var.answer({
    read_basic_data: true,
    read_sensitive_data: await canInSpace(db, caller, app.space_guid, 'readSecrets'),
  })
})

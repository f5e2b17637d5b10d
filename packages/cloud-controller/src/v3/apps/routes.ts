import { Hono } from 'hono'
import { censoredRequest } from '../../actions/app-events.ts'
import { lifecycleForNewApp, lifecycleForUpdate } from '../../actions/app-lifecycle.ts'
import { createApp, updateApp } from '../../actions/apps.ts'
import { actorOf } from '../../actions/audit-events.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { canInSpace, requireInSpace } from '../../permissions/guards.ts'
import { acceptJob } from '../kit/accepted.ts'
import { acting } from '../kit/acting.ts'
import { body } from '../kit/body.ts'
import { presented } from '../kit/present.ts'
import { find, list, reread, show } from '../kit/verbs.ts'
import { addWarnings } from '../kit/warnings.ts'
import { AppCreate, AppUpdate } from './messages.ts'
import { apps } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/apps_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/apps', (c) => list(c, apps))
routes.get('/v3/apps/:guid', (c) => show(c, apps))

routes.post('/v3/apps', async (c) => {
  const { db, caller, settings, bus } = c.var
  const message = await body(c, AppCreate) // 422 before 404: CC parses before it looks up
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
  emitAppLog(bus, guid, `Created app with guid ${guid}`)
  emitAppLog(bus, guid, 'Added process: "web"')
  addWarnings(c, lifecycle.warnings)
  return c.json(await presented(c, apps, await reread(c, apps, guid)), 201)
})

routes.patch('/v3/apps/:guid', async (c) => {
  const { db, caller, settings, bus } = c.var
  const message = await body(c, AppUpdate) // 422 before 404: CC parses before it looks up
  const app = await find(c, apps)
  await requireInSpace(db, caller, app.space_guid, 'write')
  const { lifecycle: wanted, ...rest } = message
  const lifecycle = wanted && (await lifecycleForUpdate(db, settings, app, wanted))
  await db.transaction().execute((trx) => updateApp(trx, acting(c), app, { ...rest, lifecycle, request: message }))
  emitAppLog(bus, app.guid, `Updated app with guid ${app.guid} (${JSON.stringify(censoredRequest(message))})`)
  addWarnings(c, lifecycle?.warnings ?? [])
  return c.json(await presented(c, apps, await reread(c, apps, app.guid)))
})

routes.delete('/v3/apps/:guid', async (c) => {
  const { db, caller, bus } = c.var
  const app = await find(c, apps)
  await requireInSpace(db, caller, app.space_guid, 'write')
  const answer = await acceptJob(c, {
    operation: 'app.delete',
    resource: { type: 'app', guid: app.guid },
    payload: { actor: actorOf(caller) },
  })
  emitAppLog(bus, app.guid, `Enqueued job to delete app with guid ${app.guid}`)
  return answer
})

routes.get('/v3/apps/:guid/permissions', async (c) => {
  const { db, caller } = c.var
  const app = await find(c, apps)
  return c.json({
    read_basic_data: true,
    read_sensitive_data: await canInSpace(db, caller, app.space_guid, 'readSecrets'),
  })
})

import { Hono } from 'hono'
import { setCurrentDroplet } from '../../actions/current-droplet.ts'
import { isDeploying } from '../../actions/deployments.ts'
import { notFound, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { acting } from '../kit/acting.ts'
import { jsonObject } from '../kit/body.ts'
import { answersWith, takes } from '../kit/operation.ts'
import { presentLinks } from '../kit/present.ts'
import { ToOne } from '../kit/to-one-relationship.ts'
import { find } from '../kit/verbs.ts'
import { CurrentDroplet } from './messages.ts'
import { apps } from './resource.ts'

/** The droplet that an app runs. Checks in the order of cloud_controller_ng app/controllers/v3/apps_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/apps/:guid/relationships/current_droplet', answersWith(200, ToOne), async (c) => {
  const app = await find(c, apps)
  const droplet =
    app.droplet_guid === null
      ? undefined
      : await c.var.db.selectFrom('droplets').select('guid').where('guid', '=', app.droplet_guid).executeTakeFirst()
  if (!droplet) throw notFound('Droplet')
  return c.var.answer(relationship(c, app.guid, droplet.guid))
})

routes.patch(
  '/v3/apps/:guid/relationships/current_droplet',
  takes(CurrentDroplet),
  answersWith(200, ToOne),
  async (c) => {
    const { db, caller, bus } = c.var
    const dropletGuid = (await c.var.message()).data?.guid
    if ('data' in (await jsonObject(c)) && dropletGuid === undefined)
      throw unprocessable('Current droplet cannot be removed. Replace it with a preferred droplet.')
    const app = await find(c, apps)
    await requireInSpace(db, caller, app.space_guid, 'manageApps')
    if (await isDeploying(db, app.guid))
      throw unprocessable(
        'Unable to assign current droplet while the app has a deployment in progress. Wait for the deployment to complete or cancel it.',
      )
    const guid = dropletGuid ?? ''
    await db.transaction().execute((trx) => setCurrentDroplet(trx, acting(c), app.guid, guid))
    emitAppLog(bus, app.guid, `Updated app with guid ${app.guid} (${JSON.stringify({ droplet_guid: guid })})`)
    return c.var.answer(relationship(c, app.guid, guid))
  },
)

function relationship(c: RequestContext, appGuid: string, dropletGuid: string) {
  return {
    data: { guid: dropletGuid },
    links: presentLinks(c.var.settings.externalUrl, {
      self: `/v3/apps/${appGuid}/relationships/current_droplet`,
      related: `/v3/apps/${appGuid}/droplets/current`,
    }),
  }
}

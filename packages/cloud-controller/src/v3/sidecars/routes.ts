import { Hono } from 'hono'
import { sql } from 'kysely'
import { createSidecar, updateSidecar } from '../../actions/sidecars.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { answers, answersNothing, lists, shows, takes } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { processes } from '../processes/resource.ts'
import { SidecarCreate, SidecarUpdate } from './messages.ts'
import { sidecars } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/sidecars_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get(
  '/v3/apps/:guid/sidecars',
  lists(sidecars, {
    perRequest: async (c) => {
      const app = await find(c, apps)
      return { where: (query) => query.where('sidecars.app_guid', '=', app.guid) }
    },
  }),
)

routes.get(
  '/v3/processes/:guid/sidecars',
  lists(sidecars, {
    perRequest: async (c) => {
      const process = await find(c, processes)
      const all = await c.var.db
        .selectFrom('sidecars')
        .select(['guid', 'process_types'])
        .where('app_guid', '=', process.app_guid)
        .execute()
      const guids = all.filter((row) => JSON.parse(row.process_types).includes(process.type)).map((row) => row.guid)
      return {
        where: (query) => (guids.length > 0 ? query.where('sidecars.guid', 'in', guids) : query.where(sql.lit(false))),
      }
    },
  }),
)

routes.get('/v3/sidecars/:guid', shows(sidecars))

routes.post('/v3/apps/:guid/sidecars', takes(SidecarCreate), answers(201, sidecars), async (c) => {
  const { db, caller } = c.var
  const app = await find(c, apps)
  await requireInSpace(db, caller, app.space_guid, 'write')
  const message = await c.var.message()
  const guid = await db.transaction().execute((trx) => createSidecar(trx, app.guid, message))
  return c.var.answer(guid)
})

routes.patch('/v3/sidecars/:guid', takes(SidecarUpdate), answers(200, sidecars), async (c) => {
  const { db, caller } = c.var
  const sidecar = await find(c, sidecars)
  await requireInSpace(db, caller, sidecar.space_guid, 'write')
  const message = await c.var.message()
  await db.transaction().execute((trx) => updateSidecar(trx, sidecar, message))
  return c.var.answer(sidecar.guid)
})

routes.delete('/v3/sidecars/:guid', answersNothing(), async (c) => {
  const { db, caller } = c.var
  const sidecar = await find(c, sidecars)
  await requireInSpace(db, caller, sidecar.space_guid, 'write')
  await db.deleteFrom('sidecars').where('guid', '=', sidecar.guid).execute()
  return c.var.answer()
})

import { Hono } from 'hono'
import { notFound } from '../errors/api-error.ts'
import type { WorkerEnv } from '../http/environment.ts'
import { canInSpace } from '../permissions/guards.ts'
import { answersNothing } from '../v3/kit/operation.ts'

/** For other components, with the user's own token. */
export const routes = new Hono<WorkerEnv>()

/** Whether the caller may read an app's logs: 200 or 404. Source: cloud_controller_ng app/controllers/internal/log_access_controller.rb. */
routes.get('/internal/v4/log_access/:guid', answersNothing(200), async (c) => {
  const { db, caller } = c.var
  const app = await db
    .selectFrom('apps')
    .select('space_guid')
    .where('guid', '=', c.req.param('guid'))
    .executeTakeFirst()
  if (!app || !(await canInSpace(db, caller, app.space_guid, 'read'))) throw notFound('App')
  return c.var.answer()
})

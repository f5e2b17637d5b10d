import { type Context, Hono } from 'hono'
import { purgeAndReseedAppUsage } from '../../actions/app-usage-events.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { type ListRules, parseListQuery } from '../kit/list-query.ts'
import { parseQueryString } from '../kit/query-string.ts'
import { list, show } from '../kit/verbs.ts'
import { appUsageEvents } from './resource.ts'

/** cloud_controller_ng app/controllers/v3/app_usage_events_controller.rb */
export const routes = new Hono<WorkerEnv>()

const rules: ListRules = { faultsAs: 'unprocessable' }

routes.get('/v3/app_usage_events', async (c) => {
  const { filters } = parseListQuery(appUsageEvents, parseQueryString(c.req.url), rules)
  const [afterGuid] = filters.get('after_guid') ?? []
  if (afterGuid !== undefined && c.var.caller.readsGlobally) await requireEvent(c, afterGuid)
  return list(c, appUsageEvents, rules)
})

routes.get('/v3/app_usage_events/:guid', (c) => show(c, appUsageEvents))

routes.post('/v3/app_usage_events/actions/destructively_purge_all_and_reseed', async (c) => {
  requireAdmin(c.var.caller)
  await c.var.db.transaction().execute(purgeAndReseedAppUsage)
  return c.json({})
})

/** Who goes on after an event that was pruned must be told so, and not get everything again. */
async function requireEvent(c: Context<WorkerEnv>, guid: string): Promise<void> {
  const event = await c.var.db.selectFrom('app_usage_events').select('id').where('guid', '=', guid).executeTakeFirst()
  if (!event) throw unprocessable('After guid filter must be a valid app usage event guid.')
}

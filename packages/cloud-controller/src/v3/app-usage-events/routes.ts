import { Hono } from 'hono'
import { z } from 'zod'
import { purgeAndReseedAppUsage } from '../../actions/app-usage-events.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { type ListRules, parseListQuery } from '../kit/list-query.ts'
import { answersWith, lists, shows } from '../kit/operation.ts'
import { parseQueryString } from '../kit/query-string.ts'
import { appUsageEvents } from './resource.ts'

/** cloud_controller_ng app/controllers/v3/app_usage_events_controller.rb */
export const routes = new Hono<WorkerEnv>()

const rules: ListRules = { faultsAs: 'unprocessable' }

routes.get(
  '/v3/app_usage_events',
  lists(appUsageEvents, {
    ...rules,
    perRequest: async (c) => {
      const { filters } = parseListQuery(appUsageEvents, parseQueryString(c.req.url), rules)
      const [afterGuid] = filters.get('after_guid') ?? []
      if (afterGuid !== undefined && c.var.caller.readsGlobally) await requireEvent(c, afterGuid)
      return {}
    },
  }),
)

routes.get('/v3/app_usage_events/:guid', shows(appUsageEvents))

routes.post(
  '/v3/app_usage_events/actions/destructively_purge_all_and_reseed',
  answersWith(200, z.object({})),
  async (c) => {
    requireAdmin(c.var.caller)
    await c.var.db.transaction().execute(purgeAndReseedAppUsage)
    return c.var.answer({})
  },
)

/** Who goes on after an event that was pruned must be told so, and not get everything again. */
async function requireEvent(c: RequestContext, guid: string): Promise<void> {
  const event = await c.var.db.selectFrom('app_usage_events').select('id').where('guid', '=', guid).executeTakeFirst()
  if (!event) throw unprocessable('After guid filter must be a valid app usage event guid.')
}

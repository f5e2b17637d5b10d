import { Hono } from 'hono'
import { z } from 'zod'
import { changeEnvironmentVariableGroup } from '../../actions/environment-variable-groups.ts'
import type { Row } from '../../db/schema.ts'
import { openVariables } from '../../dea/sealed-variables.ts'
import { notFound } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { time } from '../kit/answer-fields.ts'
import { EnvironmentVariables, EnvironmentVariablesUpdate } from '../kit/environment-variables.ts'
import { answersWith, takes } from '../kit/operation.ts'
import { presentLinks } from '../kit/present.ts'
import { wireTime } from '../kit/timestamps.ts'

type Group = Row<'environment_variable_groups'>

/** Checks in the order of cloud_controller_ng app/controllers/v3/environment_variable_groups_controller.rb. */
export const routes = new Hono<WorkerEnv>()

/** An empty body changes nothing: so `var` may be left out, as long as there is nothing else. */
const GroupUpdate = z
  .preprocess(
    (body) => (typeof body === 'object' && body !== null && Object.keys(body).length === 0 ? { var: {} } : body),
    EnvironmentVariablesUpdate,
  )
  .meta({ required: [] })

const GroupAnswer = EnvironmentVariables.extend({ updated_at: time, name: z.enum(['running', 'staging']) })

routes.get('/v3/environment_variable_groups/:name', answersWith(200, GroupAnswer), async (c) =>
  c.var.answer(presented(c, await find(c))),
)

routes.patch('/v3/environment_variable_groups/:name', takes(GroupUpdate), answersWith(200, GroupAnswer), async (c) => {
  const { db, caller, settings } = c.var
  const message = await c.var.message() // 422 before 403: CC parses before it asks who it is
  requireAdmin(caller)
  const { name } = await find(c)
  await db.transaction().execute((trx) => changeEnvironmentVariableGroup(trx, settings, name, message.var))
  return c.var.answer(presented(c, await find(c)))
})

async function find(c: RequestContext): Promise<Group> {
  const group = await c.var.db
    .selectFrom('environment_variable_groups')
    .selectAll()
    .where('name', '=', (c.req.param('name') ?? '') as Group['name'])
    .executeTakeFirst()
  if (!group) throw notFound('Environment variable group')
  return group
}

function presented(c: RequestContext, { name, sealed_variables, updated_at }: Group) {
  const { settings } = c.var
  return {
    updated_at: wireTime(updated_at),
    name,
    var: openVariables(settings, sealed_variables),
    links: presentLinks(settings.externalUrl, { self: `/v3/environment_variable_groups/${name}` }),
  }
}

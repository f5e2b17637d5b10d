import { type Context, Hono } from 'hono'
import { changeEnvironmentVariableGroup } from '../../actions/environment-variable-groups.ts'
import type { Row } from '../../db/schema.ts'
import { openVariables } from '../../dea/sealed-variables.ts'
import { notFound } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { jsonObject, validated } from '../kit/body.ts'
import { EnvironmentVariablesUpdate } from '../kit/environment-variables.ts'
import { presentLinks } from '../kit/present.ts'
import { wireTime } from '../kit/timestamps.ts'

type Group = Row<'environment_variable_groups'>

/** Checks in the order of cloud_controller_ng app/controllers/v3/environment_variable_groups_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/environment_variable_groups/:name', async (c) => c.json(presented(c, await find(c))))

routes.patch('/v3/environment_variable_groups/:name', async (c) => {
  const { db, caller, settings } = c.var
  const given = await jsonObject(c) // 422 before 403: CC parses before it asks who it is
  const message = validated(Object.keys(given).length === 0 ? { var: {} } : given, EnvironmentVariablesUpdate)
  requireAdmin(caller)
  const { name } = await find(c)
  await db.transaction().execute((trx) => changeEnvironmentVariableGroup(trx, settings, name, message.var))
  return c.json(presented(c, await find(c)))
})

async function find(c: Context<WorkerEnv>): Promise<Group> {
  const group = await c.var.db
    .selectFrom('environment_variable_groups')
    .selectAll()
    .where('name', '=', (c.req.param('name') ?? '') as Group['name'])
    .executeTakeFirst()
  if (!group) throw notFound('Environment variable group')
  return group
}

function presented(c: Context<WorkerEnv>, { name, sealed_variables, updated_at }: Group) {
  const { settings } = c.var
  return {
    updated_at: wireTime(updated_at),
    name,
    var: openVariables(settings, sealed_variables),
    links: presentLinks(settings.externalUrl, { self: `/v3/environment_variable_groups/${name}` }),
  }
}

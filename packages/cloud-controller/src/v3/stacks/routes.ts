import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import { createStack, deleteStack, updateStack } from '../../actions/stacks.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { answers, answersNothing, lists, shows, takes } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { addWarnings } from '../kit/warnings.ts'
import { StackCreate, StackUpdate } from './messages.ts'
import { stacks } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/stacks_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/stacks', lists(stacks))
routes.get('/v3/stacks/:guid', shows(stacks))

routes.get(
  '/v3/stacks/:guid/apps',
  lists(apps, {
    without: ['stacks'],
    perRequest: async (c) => {
      const stack = await find(c, stacks)
      return { where: (query) => query.where('apps.lifecycle_stack', '=', stack.name) }
    },
  }),
)

routes.post('/v3/stacks', takes(StackCreate), answers(201, stacks), async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const message = await c.var.message()
  const guid = await db.transaction().execute((trx) => createStack(trx, actorOf(caller), message))
  return c.var.answer(guid)
})

routes.patch('/v3/stacks/:guid', takes(StackUpdate), answers(200, stacks), async (c) => {
  const { db, caller, settings } = c.var
  const stack = await find(c, stacks)
  requireAdmin(caller)
  const message = await c.var.message()
  await db.transaction().execute((trx) => updateStack(trx, actorOf(caller), stack, message))
  if (message.state !== undefined && stack.name === settings.apps.stack)
    addWarnings(c, [`Changing state on the default stack '${stack.name}' may affect new application deployments.`])
  return c.var.answer(stack.guid)
})

routes.delete('/v3/stacks/:guid', answersNothing(), async (c) => {
  const { db, caller } = c.var
  const stack = await find(c, stacks)
  requireAdmin(caller)
  await db.transaction().execute((trx) => deleteStack(trx, actorOf(caller), stack))
  return c.var.answer()
})

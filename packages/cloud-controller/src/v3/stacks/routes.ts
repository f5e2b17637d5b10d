import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import { createStack, deleteStack, updateStack } from '../../actions/stacks.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { body } from '../kit/body.ts'
import { presented } from '../kit/present.ts'
import { find, list, reread, show } from '../kit/verbs.ts'
import { addWarnings } from '../kit/warnings.ts'
import { StackCreate, StackUpdate } from './messages.ts'
import { stacks } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/stacks_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/stacks', (c) => list(c, stacks))
routes.get('/v3/stacks/:guid', (c) => show(c, stacks))

routes.get('/v3/stacks/:guid/apps', async (c) => {
  const stack = await find(c, stacks)
  return list(c, apps, {
    where: (query) => query.where('apps.lifecycle_stack', '=', stack.name),
    without: ['stacks'],
  })
})

routes.post('/v3/stacks', async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const message = await body(c, StackCreate)
  const guid = await db.transaction().execute((trx) => createStack(trx, actorOf(caller), message))
  return c.json(await presented(c, stacks, await reread(c, stacks, guid)), 201)
})

routes.patch('/v3/stacks/:guid', async (c) => {
  const { db, caller, settings } = c.var
  const stack = await find(c, stacks)
  requireAdmin(caller)
  const message = await body(c, StackUpdate)
  await db.transaction().execute((trx) => updateStack(trx, actorOf(caller), stack, message))
  if (message.state !== undefined && stack.name === settings.apps.stack)
    addWarnings(c, [`Changing state on the default stack '${stack.name}' may affect new application deployments.`])
  return c.json(await presented(c, stacks, await reread(c, stacks, stack.guid)))
})

routes.delete('/v3/stacks/:guid', async (c) => {
  const { db, caller } = c.var
  const stack = await find(c, stacks)
  requireAdmin(caller)
  await db.transaction().execute((trx) => deleteStack(trx, actorOf(caller), stack))
  return c.body(null, 204)
})

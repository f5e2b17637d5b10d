import { Hono } from 'hono'
import { z } from 'zod'
import { allowSsh } from '../../actions/spaces.ts'
import type { Row } from '../../db/schema.ts'
import { notFound } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { Feature } from '../kit/feature.ts'
import { answersWith, takes } from '../kit/operation.ts'
import { find, reread } from '../kit/verbs.ts'
import { SpaceFeatureUpdate } from './messages.ts'
import { spaces } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/space_features_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/spaces/:guid/features', answersWith(200, z.object({ resources: z.array(Feature) })), async (c) => {
  const space = await find(c, spaces)
  return c.var.answer({ resources: [sshFeature(space)] })
})

routes.get('/v3/spaces/:guid/features/:name', answersWith(200, Feature), async (c) => {
  const space = await find(c, spaces)
  requireFeatureName(c.req.param('name'))
  return c.var.answer(sshFeature(space))
})

routes.patch('/v3/spaces/:guid/features/:name', takes(SpaceFeatureUpdate), answersWith(200, Feature), async (c) => {
  const { db, caller } = c.var
  const { enabled } = await c.var.message() // 422 before 404: CC parses before it looks up
  const space = await find(c, spaces)
  requireFeatureName(c.req.param('name'))
  await requireInSpace(db, caller, space.guid, 'update')
  await db.transaction().execute((trx) => allowSsh(trx, space.guid, enabled))
  return c.var.answer(sshFeature(await reread(c, spaces, space.guid)))
})

function requireFeatureName(name: string): void {
  if (name !== 'ssh') throw notFound('Feature')
}

const sshFeature = (space: Row<'spaces'>) => ({
  name: 'ssh',
  description: 'Enable SSHing into apps in the space.',
  enabled: space.allow_ssh === 1,
})

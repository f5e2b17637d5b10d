import { Hono } from 'hono'
import { allowSsh } from '../../actions/spaces.ts'
import type { Row } from '../../db/schema.ts'
import { notFound } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { body } from '../kit/body.ts'
import { find, reread } from '../kit/verbs.ts'
import { SpaceFeatureUpdate } from './messages.ts'
import { spaces } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/space_features_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/spaces/:guid/features', async (c) => {
  const space = await find(c, spaces)
  return c.json({ resources: [sshFeature(space)] })
})

routes.get('/v3/spaces/:guid/features/:name', async (c) => {
  const space = await find(c, spaces)
  requireFeatureName(c.req.param('name'))
  return c.json(sshFeature(space))
})

routes.patch('/v3/spaces/:guid/features/:name', async (c) => {
  const { db, caller } = c.var
  const { enabled } = await body(c, SpaceFeatureUpdate) // 422 before 404: CC parses before it looks up
  const space = await find(c, spaces)
  requireFeatureName(c.req.param('name'))
  await requireInSpace(db, caller, space.guid, 'update')
  await db.transaction().execute((trx) => allowSsh(trx, space.guid, enabled))
  return c.json(sshFeature(await reread(c, spaces, space.guid)))
})

function requireFeatureName(name: string): void {
  if (name !== 'ssh') throw notFound('Feature')
}

const sshFeature = (space: Row<'spaces'>) => ({
  name: 'ssh',
  description: 'Enable SSHing into apps in the space.',
  enabled: space.allow_ssh === 1,
})

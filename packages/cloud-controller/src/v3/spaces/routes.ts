import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import { createSpace, requestSpaceDeletion, updateSpace } from '../../actions/spaces.ts'
import { notAuthorized, unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { deletionPayload } from '../../jobs/deletion-payload.ts'
import { canWriteOrganization, requireInSpace, requireWritableOrganization } from '../../permissions/guards.ts'
import { answers, answersJob, lists, shows, takes } from '../kit/operation.ts'
import { find, findReadable, reread } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { SpaceCreate, SpaceUpdate } from './messages.ts'
import { spaces } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/spaces_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/spaces', lists(spaces))
routes.get('/v3/spaces/:guid', shows(spaces))

routes.post('/v3/spaces', takes(SpaceCreate), answers(201, spaces), async (c) => {
  const { db, caller } = c.var
  const message = await c.var.message() // 422 before anything else: CC parses before it looks up
  const organization = await findReadable(c, organizations, message.relationships.organization.data.guid)
  if (!organization)
    throw unprocessable('Invalid organization. Ensure the organization exists and you have access to it.')
  await requireWritableOrganization(db, caller, organization)
  const { relationships: _, ...space } = message
  const guid = await db.transaction().execute((trx) => createSpace(trx, organization.guid, space, caller))
  return c.var.answer(guid)
})

routes.patch('/v3/spaces/:guid', takes(SpaceUpdate), answers(200, spaces), async (c) => {
  const { db, caller } = c.var
  const space = await find(c, spaces) // 404 before 422: CC looks up before it parses
  await requireInSpace(db, caller, space.guid, 'update')
  const message = await c.var.message()
  if (message.suspended !== undefined && !(await canWriteOrganization(db, caller, space.organization_guid)))
    throw notAuthorized()
  await db.transaction().execute((trx) => updateSpace(trx, space.guid, message, caller))
  return c.var.answer(space.guid)
})

routes.delete('/v3/spaces/:guid', answersJob(), async (c) => {
  const { db, caller } = c.var
  const space = await find(c, spaces)
  await requireWritableOrganization(db, caller, await reread(c, organizations, space.organization_guid))
  const job = {
    operation: 'space.delete',
    resource: { type: 'space', guid: space.guid },
    payload: deletionPayload(actorOf(caller), space),
  }
  return c.var.answer(job, (trx) => requestSpaceDeletion(trx, space, caller))
})

import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import { isFeatureEnabled } from '../../actions/feature-flags.ts'
import { createOrganization, requestOrganizationDeletion, updateOrganization } from '../../actions/organizations.ts'
import { notAuthorized } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { deletionPayload } from '../../jobs/deletion-payload.ts'
import { requireAdmin, requireWritableOrganization } from '../../permissions/guards.ts'
import { answers, answersJob, lists, shows, takes } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { OrganizationCreate, OrganizationUpdate } from './messages.ts'
import { organizations } from './resource.ts'

/** One handler an endpoint, its checks in the order of cloud_controller_ng app/controllers/v3/organizations_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/organizations', lists(organizations))
routes.get('/v3/organizations/:guid', shows(organizations))

routes.post('/v3/organizations', takes(OrganizationCreate), answers(201, organizations), async (c) => {
  const { db, caller } = c.var
  if (!caller.writesGlobally && !(await isFeatureEnabled(db, 'user_org_creation'))) throw notAuthorized()
  const message = await c.var.message()
  if (message.suspended && !caller.writesGlobally) throw notAuthorized()
  const guid = await db.transaction().execute((trx) => createOrganization(trx, message, caller))
  return c.var.answer(guid)
})

routes.patch('/v3/organizations/:guid', takes(OrganizationUpdate), answers(200, organizations), async (c) => {
  const { db, caller } = c.var
  const organization = await find(c, organizations) // 404 before 422: CC looks up before it parses
  await requireWritableOrganization(db, caller, organization)
  const message = await c.var.message()
  if (message.suspended && !caller.writesGlobally) throw notAuthorized()
  await db.transaction().execute((trx) => updateOrganization(trx, organization.guid, message, caller))
  return c.var.answer(organization.guid)
})

routes.delete('/v3/organizations/:guid', answersJob(), async (c) => {
  const { caller } = c.var
  const organization = await find(c, organizations)
  requireAdmin(caller)
  const job = {
    operation: 'organization.delete',
    resource: { type: 'organization', guid: organization.guid },
    payload: deletionPayload(actorOf(caller), organization),
  }
  return c.var.answer(job, (trx) => requestOrganizationDeletion(trx, organization, caller))
})

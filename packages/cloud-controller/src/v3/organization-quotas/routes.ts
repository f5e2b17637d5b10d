import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import {
  applyOrganizationQuota,
  createOrganizationQuota,
  requireUnusedOrganizationQuota,
  updateOrganizationQuota,
} from '../../actions/organization-quotas.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { acceptJob } from '../kit/accepted.ts'
import { body } from '../kit/body.ts'
import { toManyBody } from '../kit/fields.ts'
import { presented } from '../kit/present.ts'
import { toManyAnswer } from '../kit/to-many-relationship.ts'
import { find, list, reread, show } from '../kit/verbs.ts'
import { OrganizationQuotaCreate, OrganizationQuotaUpdate } from './messages.ts'
import { organizationQuotas } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/organization_quotas_controller.rb: the caller, the body, the quota. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/organization_quotas', (c) => list(c, organizationQuotas))
routes.get('/v3/organization_quotas/:guid', (c) => show(c, organizationQuotas))

routes.post('/v3/organization_quotas', async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const message = await body(c, OrganizationQuotaCreate)
  const organizationGuids = (message.relationships?.organizations?.data ?? []).map(({ guid }) => guid)
  const guid = await db
    .transaction()
    .execute((trx) => createOrganizationQuota(trx, actorOf(caller), message, organizationGuids))
  return c.json(await presented(c, organizationQuotas, await reread(c, organizationQuotas, guid)), 201)
})

routes.patch('/v3/organization_quotas/:guid', async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const message = await body(c, OrganizationQuotaUpdate)
  const { guid } = await find(c, organizationQuotas)
  await db.transaction().execute((trx) => updateOrganizationQuota(trx, actorOf(caller), guid, message))
  return c.json(await presented(c, organizationQuotas, await reread(c, organizationQuotas, guid)))
})

routes.delete('/v3/organization_quotas/:guid', async (c) => {
  const { caller } = c.var
  requireAdmin(caller)
  const { guid } = await find(c, organizationQuotas)
  const job = {
    operation: 'organization_quota.delete',
    resource: { type: 'organization_quota', guid },
    payload: { actor: actorOf(caller) },
  }
  return acceptJob(c, job, (trx) => requireUnusedOrganizationQuota(trx, guid))
})

routes.post('/v3/organization_quotas/:guid/relationships/organizations', async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const { data } = await body(c, toManyBody)
  const { guid } = await find(c, organizationQuotas)
  const organizationGuids = data.map((organization) => organization.guid)
  await db.transaction().execute((trx) => applyOrganizationQuota(trx, actorOf(caller), guid, organizationGuids))
  const organizations = db.selectFrom('organizations').select('guid').where('quota_guid', '=', guid).orderBy('id')
  return toManyAnswer(c, `/v3/organization_quotas/${guid}/relationships/organizations`, await organizations.execute())
})

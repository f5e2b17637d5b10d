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
import { toManyBody } from '../kit/fields.ts'
import { answers, answersJob, answersWith, lists, shows, takes } from '../kit/operation.ts'
import { ToMany, toManyAnswer } from '../kit/to-many-relationship.ts'
import { find } from '../kit/verbs.ts'
import { OrganizationQuotaCreate, OrganizationQuotaUpdate } from './messages.ts'
import { organizationQuotas } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/organization_quotas_controller.rb: the caller, the body, the quota. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/organization_quotas', lists(organizationQuotas))
routes.get('/v3/organization_quotas/:guid', shows(organizationQuotas))

routes.post('/v3/organization_quotas', takes(OrganizationQuotaCreate), answers(201, organizationQuotas), async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const message = await c.var.message()
  const organizationGuids = (message.relationships?.organizations?.data ?? []).map(({ guid }) => guid)
  const guid = await db
    .transaction()
    .execute((trx) => createOrganizationQuota(trx, actorOf(caller), message, organizationGuids))
  return c.var.answer(guid)
})

routes.patch(
  '/v3/organization_quotas/:guid',
  takes(OrganizationQuotaUpdate),
  answers(200, organizationQuotas),
  async (c) => {
    const { db, caller } = c.var
    requireAdmin(caller)
    const message = await c.var.message()
    const { guid } = await find(c, organizationQuotas)
    await db.transaction().execute((trx) => updateOrganizationQuota(trx, actorOf(caller), guid, message))
    return c.var.answer(guid)
  },
)

routes.delete('/v3/organization_quotas/:guid', answersJob(), async (c) => {
  const { caller } = c.var
  requireAdmin(caller)
  const { guid } = await find(c, organizationQuotas)
  const job = {
    operation: 'organization_quota.delete',
    resource: { type: 'organization_quota', guid },
    payload: { actor: actorOf(caller) },
  }
  return c.var.answer(job, (trx) => requireUnusedOrganizationQuota(trx, guid))
})

routes.post(
  '/v3/organization_quotas/:guid/relationships/organizations',
  takes(toManyBody),
  answersWith(200, ToMany),
  async (c) => {
    const { db, caller } = c.var
    requireAdmin(caller)
    const { data } = await c.var.message()
    const { guid } = await find(c, organizationQuotas)
    const organizationGuids = data.map((organization) => organization.guid)
    await db.transaction().execute((trx) => applyOrganizationQuota(trx, actorOf(caller), guid, organizationGuids))
    const organizations = db.selectFrom('organizations').select('guid').where('quota_guid', '=', guid).orderBy('id')
    return c.var.answer(
      toManyAnswer(c, `/v3/organization_quotas/${guid}/relationships/organizations`, await organizations.execute()),
    )
  },
)

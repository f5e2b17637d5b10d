import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import {
  applySpaceQuota,
  createSpaceQuota,
  removeSpaceQuota,
  requireUnusedSpaceQuota,
  updateSpaceQuota,
} from '../../actions/space-quotas.ts'
import type { Row } from '../../db/schema.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireWritableOrganization } from '../../permissions/guards.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { toManyBody } from '../kit/fields.ts'
import { answers, answersJob, answersNothing, answersWith, lists, shows, takes } from '../kit/operation.ts'
import { ToMany, toManyAnswer } from '../kit/to-many-relationship.ts'
import { find } from '../kit/verbs.ts'
import { SpaceQuotaCreate, SpaceQuotaUpdate } from './messages.ts'
import { spaceQuotas } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/space_quotas_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/space_quotas', lists(spaceQuotas, { faultsAs: 'unprocessable' }))
routes.get('/v3/space_quotas/:guid', shows(spaceQuotas))

routes.post('/v3/space_quotas', takes(SpaceQuotaCreate), answers(201, spaceQuotas), async (c) => {
  const { db, caller } = c.var
  const message = await c.var.message()
  const organizationGuid = message.relationships.organization.data.guid
  const organization = await findOrganization(c, organizationGuid)
  if (!organization)
    throw unprocessable(`Organization with guid '${organizationGuid}' does not exist, or you do not have access to it.`)
  await requireWritableOrganization(db, caller, organization)
  const spaceGuids = (message.relationships.spaces?.data ?? []).map(({ guid }) => guid)
  const guid = await db
    .transaction()
    .execute((trx) => createSpaceQuota(trx, actorOf(caller), message, { organizationGuid, spaceGuids }))
  return c.var.answer(guid)
})

routes.patch('/v3/space_quotas/:guid', takes(SpaceQuotaUpdate), answers(200, spaceQuotas), async (c) => {
  const { db, caller } = c.var
  const { guid } = await findWritable(c)
  const message = await c.var.message()
  await db.transaction().execute((trx) => updateSpaceQuota(trx, actorOf(caller), guid, message))
  return c.var.answer(guid)
})

routes.delete('/v3/space_quotas/:guid', answersJob(), async (c) => {
  const { guid } = await findWritable(c)
  const job = {
    operation: 'space_quota.delete',
    resource: { type: 'space_quota', guid },
    payload: { actor: actorOf(c.var.caller) },
  }
  return c.var.answer(job, (trx) => requireUnusedSpaceQuota(trx, guid))
})

routes.post('/v3/space_quotas/:guid/relationships/spaces', takes(toManyBody), answersWith(200, ToMany), async (c) => {
  const { db, caller } = c.var
  const { guid } = await findWritable(c)
  const { data } = await c.var.message()
  const spaceGuids = data.map((space) => space.guid)
  const visible = await visibleSpaces(c, spaceGuids)
  await db
    .transaction()
    .execute((trx) => applySpaceQuota(trx, actorOf(caller), guid, spaceGuids, (space) => visible.has(space)))
  const spaces = db.selectFrom('spaces').select('guid').where('quota_guid', '=', guid).orderBy('id')
  return c.var.answer(toManyAnswer(c, `/v3/space_quotas/${guid}/relationships/spaces`, await spaces.execute()))
})

routes.delete('/v3/space_quotas/:guid/relationships/spaces/:space_guid', answersNothing(), async (c) => {
  const { db, caller } = c.var
  const quota = await findWritable(c)
  await db.transaction().execute((trx) => removeSpaceQuota(trx, actorOf(caller), quota, c.req.param('space_guid')))
  return c.var.answer()
})

/** The quota, if the caller manages its organization and that is active. Throws 404 and 403. */
async function findWritable(c: RequestContext): Promise<Row<'space_quotas'>> {
  const { db, caller } = c.var
  const quota = await find(c, spaceQuotas)
  const organization = await findOrganization(c, quota.organization_guid)
  if (organization) await requireWritableOrganization(db, caller, organization)
  return quota
}

async function findOrganization(c: RequestContext, guid: string): Promise<Row<'organizations'> | undefined> {
  return c.var.db.selectFrom('organizations').selectAll().where('guid', '=', guid).executeTakeFirst()
}

/** Which of the spaces the caller sees. */
async function visibleSpaces(c: RequestContext, guids: readonly string[]): Promise<ReadonlySet<string>> {
  const { db, caller } = c.var
  const asked = db
    .selectFrom('spaces')
    .select('guid')
    .where('guid', 'in', [...guids])
  const visible = caller.readsGlobally ? asked : asked.where('guid', 'in', spaceGuidsReadBy(db, caller))
  return new Set((await visible.execute()).map(({ guid }) => guid))
}

import { type Context, Hono } from 'hono'
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
import type { WorkerEnv } from '../../http/environment.ts'
import { requireWritableOrganization } from '../../permissions/guards.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { acceptJob } from '../kit/accepted.ts'
import { body } from '../kit/body.ts'
import { toManyBody } from '../kit/fields.ts'
import { presented } from '../kit/present.ts'
import { toManyAnswer } from '../kit/to-many-relationship.ts'
import { find, list, reread, show } from '../kit/verbs.ts'
import { SpaceQuotaCreate, SpaceQuotaUpdate } from './messages.ts'
import { spaceQuotas } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/space_quotas_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/space_quotas', (c) => list(c, spaceQuotas, { faultsAs: 'unprocessable' }))
routes.get('/v3/space_quotas/:guid', (c) => show(c, spaceQuotas))

routes.post('/v3/space_quotas', async (c) => {
  const { db, caller } = c.var
  const message = await body(c, SpaceQuotaCreate)
  const organizationGuid = message.relationships.organization.data.guid
  const organization = await findOrganization(c, organizationGuid)
  if (!organization)
    throw unprocessable(`Organization with guid '${organizationGuid}' does not exist, or you do not have access to it.`)
  await requireWritableOrganization(db, caller, organization)
  const spaceGuids = (message.relationships.spaces?.data ?? []).map(({ guid }) => guid)
  const guid = await db
    .transaction()
    .execute((trx) => createSpaceQuota(trx, actorOf(caller), message, { organizationGuid, spaceGuids }))
  return c.json(await presented(c, spaceQuotas, await reread(c, spaceQuotas, guid)), 201)
})

routes.patch('/v3/space_quotas/:guid', async (c) => {
  const { db, caller } = c.var
  const { guid } = await findWritable(c)
  const message = await body(c, SpaceQuotaUpdate)
  await db.transaction().execute((trx) => updateSpaceQuota(trx, actorOf(caller), guid, message))
  return c.json(await presented(c, spaceQuotas, await reread(c, spaceQuotas, guid)))
})

routes.delete('/v3/space_quotas/:guid', async (c) => {
  const { guid } = await findWritable(c)
  const job = {
    operation: 'space_quota.delete',
    resource: { type: 'space_quota', guid },
    payload: { actor: actorOf(c.var.caller) },
  }
  return acceptJob(c, job, (trx) => requireUnusedSpaceQuota(trx, guid))
})

routes.post('/v3/space_quotas/:guid/relationships/spaces', async (c) => {
  const { db, caller } = c.var
  const { guid } = await findWritable(c)
  const { data } = await body(c, toManyBody)
  const spaceGuids = data.map((space) => space.guid)
  const visible = await visibleSpaces(c, spaceGuids)
  await db
    .transaction()
    .execute((trx) => applySpaceQuota(trx, actorOf(caller), guid, spaceGuids, (space) => visible.has(space)))
  const spaces = db.selectFrom('spaces').select('guid').where('quota_guid', '=', guid).orderBy('id')
  return toManyAnswer(c, `/v3/space_quotas/${guid}/relationships/spaces`, await spaces.execute())
})

routes.delete('/v3/space_quotas/:guid/relationships/spaces/:space_guid', async (c) => {
  const { db, caller } = c.var
  const quota = await findWritable(c)
  await db.transaction().execute((trx) => removeSpaceQuota(trx, actorOf(caller), quota, c.req.param('space_guid')))
  return c.body(null, 204)
})

/** The quota, if the caller manages its organization and that is active. Throws 404 and 403. */
async function findWritable(c: Context<WorkerEnv>): Promise<Row<'space_quotas'>> {
  const { db, caller } = c.var
  const quota = await find(c, spaceQuotas)
  const organization = await findOrganization(c, quota.organization_guid)
  if (organization) await requireWritableOrganization(db, caller, organization)
  return quota
}

async function findOrganization(c: Context<WorkerEnv>, guid: string): Promise<Row<'organizations'> | undefined> {
  return c.var.db.selectFrom('organizations').selectAll().where('guid', '=', guid).executeTakeFirst()
}

/** Which of the spaces the caller sees. */
async function visibleSpaces(c: Context<WorkerEnv>, guids: readonly string[]): Promise<ReadonlySet<string>> {
  const { db, caller } = c.var
  const asked = db
    .selectFrom('spaces')
    .select('guid')
    .where('guid', 'in', [...guids])
  const visible = caller.readsGlobally ? asked : asked.where('guid', 'in', spaceGuidsReadBy(db, caller))
  return new Set((await visible.execute()).map(({ guid }) => guid))
}

import { Hono } from 'hono'
import { assignDefaultIsolationSegment } from '../../actions/organizations.ts'
import { assignIsolationSegment } from '../../actions/spaces.ts'
import { notAuthorized } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { canWriteOrganization, requireWritableOrganization } from '../../permissions/guards.ts'
import { answersWith, lists, shows, takes } from '../kit/operation.ts'
import { ToOne, ToOneBody, toOneAnswer } from '../kit/to-one-relationship.ts'
import { find } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'
import { isolationSegments } from './resource.ts'

/** Isolation segments, and which one an organization or a space is in. */
export const routes = new Hono<WorkerEnv>()

const path = '/v3/isolation_segments'

routes.get('/v3/isolation_segments', lists(isolationSegments))
routes.get('/v3/isolation_segments/:guid', shows(isolationSegments))

routes.get(
  '/v3/isolation_segments/:guid/organizations',
  lists(organizations, {
    perRequest: async (c) => {
      const segment = await find(c, isolationSegments)
      const entitled = c.var.db
        .selectFrom('isolation_segment_organizations')
        .select('isolation_segment_organizations.organization_guid')
        .where('isolation_segment_organizations.isolation_segment_guid', '=', segment.guid)
      return { where: (query) => query.where('organizations.guid', 'in', entitled) }
    },
  }),
)

routes.get('/v3/organizations/:guid/relationships/default_isolation_segment', answersWith(200, ToOne), async (c) => {
  const organization = await find(c, organizations)
  const guid = organization.default_isolation_segment_guid
  const own = `/v3/organizations/${organization.guid}/relationships/default_isolation_segment`
  return c.var.answer(toOneAnswer(c, own, guid === null ? null : { guid, path }))
})

routes.patch(
  '/v3/organizations/:guid/relationships/default_isolation_segment',
  takes(ToOneBody),
  answersWith(200, ToOne),
  async (c) => {
    const { db, caller } = c.var
    const { data } = await c.var.message() // 422 before 404: CC parses before it looks up
    const organization = await find(c, organizations)
    await requireWritableOrganization(db, caller, organization)
    const guid = data === undefined ? organization.default_isolation_segment_guid : (data?.guid ?? null)
    await db.transaction().execute((trx) => assignDefaultIsolationSegment(trx, organization.guid, guid))
    const own = `/v3/organizations/${organization.guid}/relationships/default_isolation_segment`
    return c.var.answer(toOneAnswer(c, own, guid === null ? null : { guid, path }))
  },
)

routes.get('/v3/spaces/:guid/relationships/isolation_segment', answersWith(200, ToOne), async (c) => {
  const space = await find(c, spaces)
  const guid = space.isolation_segment_guid
  return c.var.answer(
    toOneAnswer(c, `/v3/spaces/${space.guid}/relationships/isolation_segment`, guid === null ? null : { guid, path }),
  )
})

routes.patch(
  '/v3/spaces/:guid/relationships/isolation_segment',
  takes(ToOneBody),
  answersWith(200, ToOne),
  async (c) => {
    const { db, caller } = c.var
    const space = await find(c, spaces)
    if (!(await canWriteOrganization(db, caller, space.organization_guid))) throw notAuthorized()
    const { data } = await c.var.message()
    const guid = data?.guid ?? null
    await db.transaction().execute((trx) => assignIsolationSegment(trx, space, guid, caller))
    return c.var.answer(
      toOneAnswer(c, `/v3/spaces/${space.guid}/relationships/isolation_segment`, guid === null ? null : { guid, path }),
    )
  },
)

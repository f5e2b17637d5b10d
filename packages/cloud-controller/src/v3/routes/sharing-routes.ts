import { Hono } from 'hono'
import { z } from 'zod'
import { requireFeatureOfEveryone } from '../../actions/feature-flags.ts'
import { isDomainUsableBy } from '../../actions/route-rules.ts'
import { shareRoute, transferRoute, unshareRoute } from '../../actions/route-sharing.ts'
import { type RouteWithDomain, routeUrl } from '../../actions/routes.ts'
import type { Row } from '../../db/schema.ts'
import { updateRoutesOfApps } from '../../dea/run-app.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { canInSpace, requireInSpace, writableSpaceState } from '../../permissions/guards.ts'
import { acting } from '../kit/acting.ts'
import { toManyBody } from '../kit/fields.ts'
import { answersNothing, answersWith, takes } from '../kit/operation.ts'
import { ToMany, toManyAnswer } from '../kit/to-many-relationship.ts'
import { find } from '../kit/verbs.ts'
import { quoted } from '../kit/words.ts'
import { RouteTransfer } from './messages.ts'
import { ownedRoutes } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/routes_controller.rb; the flag binds admins too. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/routes/:guid/relationships/shared_spaces', answersWith(200, ToMany), async (c) => {
  await requireFeatureOfEveryone(c.var.db, 'route_sharing')
  return c.var.answer(await sharedSpaces(c, await find(c, ownedRoutes)))
})

routes.post('/v3/routes/:guid/relationships/shared_spaces', takes(toManyBody), answersWith(200, ToMany), async (c) => {
  const { db, caller } = c.var
  await requireFeatureOfEveryone(db, 'route_sharing')
  const route = await find(c, ownedRoutes)
  await requireInSpace(db, caller, route.space_guid, 'manageApps')
  const { data } = await c.var.message()
  const guids = [...new Set(data.map(({ guid }) => guid))]
  await requireTargetSpaces(c, route, guids)
  await db.transaction().execute((trx) => shareRoute(trx, acting(c), route.guid, guids))
  return c.var.answer(await sharedSpaces(c, route))
})

routes.delete('/v3/routes/:guid/relationships/shared_spaces/:space_guid', answersNothing(), async (c) => {
  const { db, caller } = c.var
  await requireFeatureOfEveryone(db, 'route_sharing')
  const route = await find(c, ownedRoutes)
  await requireInSpace(db, caller, route.space_guid, 'manageApps')
  const spaceGuid = c.req.param('space_guid')
  const fault = await targetFault(c, spaceGuid)
  if (fault) throw unprocessable(`Unable to unshare route '${routeUrl(route)}' from space '${spaceGuid}'. ${fault}`)
  const appGuids = await db.transaction().execute((trx) => unshareRoute(trx, acting(c), route.guid, spaceGuid))
  await updateRoutesOfApps(c.var, appGuids)
  return c.var.answer()
})

routes.patch(
  '/v3/routes/:guid/relationships/space',
  takes(RouteTransfer),
  answersWith(200, z.object({ status: z.literal('ok') })),
  async (c) => {
    const { db, caller } = c.var
    await requireFeatureOfEveryone(db, 'route_sharing')
    const { guid: spaceGuid } = (await c.var.message()).data
    const route = await find(c, ownedRoutes)
    await requireInSpace(db, caller, route.space_guid, 'write')
    const refused = (why: string) =>
      unprocessable(`Unable to transfer owner of route '${routeUrl(route)}' to space '${spaceGuid}'. ${why}`)
    const fault = await targetFault(c, spaceGuid)
    if (fault) throw refused(fault)
    const space = await db.selectFrom('spaces').selectAll().where('guid', '=', spaceGuid).executeTakeFirstOrThrow()
    const domain = await db
      .selectFrom('domains')
      .selectAll()
      .where('guid', '=', route.domain_guid)
      .executeTakeFirstOrThrow()
    if (!(await isDomainUsableBy(db, domain, space.organization_guid)))
      throw refused("Target space does not have access to route's domain")
    await db.transaction().execute((trx) => transferRoute(trx, acting(c), route.guid, { space, domain }))
    return c.var.answer({ status: 'ok' })
  },
)

/** Why the caller can't have the route in that space, or undefined. */
async function targetFault(c: RequestContext, spaceGuid: string): Promise<string | undefined> {
  const { db, caller } = c.var
  if (!(await findReadableSpace(c, spaceGuid))) return 'Ensure the space exists and that you have access to it.'
  if (!(await canInSpace(db, caller, spaceGuid, 'manageApps')))
    return "You don't have write permission for the target space."
  switch (await writableSpaceState(db, caller, spaceGuid)) {
    case 'deleting':
      return 'The target space is being deleted.'
    case 'suspended':
      return 'The target organization or space is suspended.'
    case 'active':
      return undefined
  }
}

async function findReadableSpace(c: RequestContext, guid: string): Promise<Row<'spaces'> | undefined> {
  const { db, caller } = c.var
  const space = await db.selectFrom('spaces').selectAll().where('guid', '=', guid).executeTakeFirst()
  return space && (await canInSpace(db, caller, guid, 'read')) ? space : undefined
}

/** Throws 422 that names the spaces which are not seen, then those that can't be written to. */
async function requireTargetSpaces(c: RequestContext, route: RouteWithDomain, guids: readonly string[]): Promise<void> {
  const { db, caller } = c.var
  const unseen: string[] = []
  const unwritable: string[] = []
  for (const guid of guids) {
    if (!(await findReadableSpace(c, guid))) unseen.push(guid)
    else if (
      !(await canInSpace(db, caller, guid, 'write')) ||
      (await writableSpaceState(db, caller, guid)) !== 'active'
    )
      unwritable.push(guid)
  }
  const refused = (spaces: readonly string[], why: string): string[] =>
    spaces.length === 0 ? [] : [`Unable to share route ${routeUrl(route)} with spaces [${quoted(spaces)}]. ${why}`]
  const faults = [
    ...refused(unseen, 'Ensure the spaces exist and that you have access to them.'),
    ...refused(
      unwritable,
      'Write permission is required in order to share a route with a space and the containing organization must not be suspended.',
    ),
  ]
  if (faults.length > 0) throw unprocessable(faults.join('\n'))
}

async function sharedSpaces(c: RequestContext, { guid }: RouteWithDomain): Promise<z.input<typeof ToMany>> {
  const shared = await c.var.db
    .selectFrom('route_shared_spaces')
    .innerJoin('spaces', 'spaces.guid', 'route_shared_spaces.space_guid')
    .select('spaces.guid')
    .where('route_shared_spaces.route_guid', '=', guid)
    .orderBy('spaces.id')
    .execute()
  return toManyAnswer(c, `/v3/routes/${guid}/relationships/shared_spaces`, shared)
}

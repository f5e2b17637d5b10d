import { Hono } from 'hono'
import { z } from 'zod'
import {
  changeDestinationProtocol,
  type DestinationMessage,
  deleteDestination,
  destinationMissing,
  insertDestinations,
  replaceDestinations,
} from '../../actions/route-destinations.ts'
import { spacesOfRoute } from '../../actions/route-lookup.ts'
import type { RouteActing, RouteWithDomain } from '../../actions/routes.ts'
import type { Row, Trx } from '../../db/schema.ts'
import { updateRoutesOfApps } from '../../dea/run-app.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { acting } from '../kit/acting.ts'
import { links } from '../kit/answer-fields.ts'
import { answersNothing, answersWith, reads, takes } from '../kit/operation.ts'
import { presentLinks } from '../kit/present.ts'
import { listParameter } from '../kit/query-parameters.ts'
import { listValue, parseQueryString } from '../kit/query-string.ts'
import { find } from '../kit/verbs.ts'
import { quoted } from '../kit/words.ts'
import { DestinationsInsert, DestinationsReplace, DestinationUpdate } from './destination-messages.ts'
import { destinationsOfRoutes, presentDestination, RouteDestination } from './destinations.ts'
import { ownedRoutes } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/routes_controller.rb. */
export const routes = new Hono<WorkerEnv>()

const listFilters = ['guids', 'app_guids']

const Destinations = z.object({ destinations: z.array(RouteDestination), links })

routes.get(
  '/v3/routes/:guid/destinations',
  reads(...listFilters.map((key) => listParameter(key))),
  answersWith(200, Destinations),
  async (c) => {
    const query = parseQueryString(c.req.url)
    const unknown = query.keys.filter((key) => !listFilters.includes(key))
    if (unknown.length > 0)
      throw unprocessable(
        `Unknown query parameter(s): ${quoted(unknown)}. Valid parameters are: ${quoted(listFilters)}`,
      )
    const route = await find(c, ownedRoutes)
    const [guids, appGuids] = listFilters.map((key) => query.values.get(key)).map((text) => text && listValue(text))
    return c.var.answer(
      await presented(
        c,
        route,
        ({ guid, app_guid }) => (!guids || guids.includes(guid)) && (!appGuids || appGuids.includes(app_guid)),
      ),
    )
  },
)

routes.post('/v3/routes/:guid/destinations', takes(DestinationsInsert), answersWith(200, Destinations), async (c) => {
  const { destinations } = await c.var.message() // 422 before 404: CC parses before it looks up
  return c.var.answer(await changed(c, destinations, insertDestinations))
})

routes.patch('/v3/routes/:guid/destinations', takes(DestinationsReplace), answersWith(200, Destinations), async (c) => {
  const { destinations } = await c.var.message() // 422 before 404: CC parses before it looks up
  return c.var.answer(await changed(c, destinations, replaceDestinations))
})

routes.patch(
  '/v3/routes/:guid/destinations/:destination_guid',
  takes(DestinationUpdate),
  answersWith(200, RouteDestination.extend({ links })),
  async (c) => {
    const { db, settings } = c.var
    const { protocol } = await c.var.message() // 422 before 404: CC parses before it looks up
    const route = await manageableRoute(c)
    const destination = await destinationOf(c, route)
    if (protocol) {
      await db.transaction().execute((trx) => changeDestinationProtocol(trx, route, destination.guid, protocol))
      await updateRoutesOfApps(c.var, [destination.app_guid])
    }
    return c.var.answer({
      ...presentDestination(await destinationOf(c, route), route),
      links: presentLinks(settings.externalUrl, {
        destinations: `/v3/routes/${route.guid}/destinations`,
        route: `/v3/routes/${route.guid}`,
      }),
    })
  },
)

routes.delete('/v3/routes/:guid/destinations/:destination_guid', answersNothing(), async (c) => {
  const route = await manageableRoute(c)
  const guid = c.req.param('destination_guid')
  const appGuids = await c.var.db.transaction().execute((trx) => deleteDestination(trx, acting(c), route.guid, guid))
  await updateRoutesOfApps(c.var, appGuids)
  return c.var.answer()
})

async function manageableRoute(c: RequestContext): Promise<RouteWithDomain> {
  const route = await find(c, ownedRoutes)
  await requireInSpace(c.var.db, c.var.caller, route.space_guid, 'manageApps')
  return route
}

async function destinationOf(c: RequestContext, route: RouteWithDomain): Promise<Row<'route_destinations'>> {
  const destination = await c.var.db
    .selectFrom('route_destinations')
    .selectAll()
    .where('guid', '=', c.req.param('destination_guid') ?? '')
    .where('route_guid', '=', route.guid)
    .executeTakeFirst()
  if (!destination) throw destinationMissing()
  return destination
}

type Change = (
  trx: Trx,
  acting: RouteActing,
  routeGuid: string,
  destinations: readonly DestinationMessage[],
) => Promise<string[]>

async function changed(
  c: RequestContext,
  destinations: readonly DestinationMessage[],
  change: Change,
): Promise<z.input<typeof Destinations>> {
  const route = await manageableRoute(c)
  await requireDestinationApps(c, route, [...new Set(destinations.map(({ appGuid }) => appGuid))])
  const appGuids = await c.var.db.transaction().execute((trx) => change(trx, acting(c), route.guid, destinations))
  await updateRoutesOfApps(c.var, appGuids)
  return presented(c, route)
}

/** Throws 422 unless the apps exist, are seen by the caller, and are in a space of the route. */
async function requireDestinationApps(
  c: RequestContext,
  route: RouteWithDomain,
  guids: readonly string[],
): Promise<void> {
  if (guids.length === 0) return
  const { db, caller } = c.var
  const existing = await db.selectFrom('apps').select(['guid', 'space_guid']).where('guid', 'in', guids).execute()
  const missing = without(guids, existing)
  if (missing.length > 0) throw unprocessable(`App(s) with guid(s) "${missing.join('", "')}" do not exist.`)
  if (!caller.readsGlobally) {
    const readable = await db
      .selectFrom('apps')
      .select('guid')
      .where('guid', 'in', guids)
      .where('space_guid', 'in', spaceGuidsReadBy(db, caller))
      .execute()
    const unseen = without(guids, readable)
    if (unseen.length > 0) throw unprocessable(`App(s) with guid(s) "${unseen.join('", "')}" you do not have access.`)
  }
  const spaces = await spacesOfRoute(db, route)
  if (existing.some(({ space_guid }) => !spaces.has(space_guid)))
    throw unprocessable("Routes destinations must be in either the route's space or the route's shared spaces")
}

const without = (guids: readonly string[], rows: ReadonlyArray<{ guid: string }>): string[] =>
  guids.filter((guid) => !rows.some((row) => row.guid === guid))

async function presented(
  c: RequestContext,
  route: RouteWithDomain,
  isWanted: (destination: Row<'route_destinations'>) => boolean = () => true,
): Promise<z.input<typeof Destinations>> {
  const destinations = (await destinationsOfRoutes(c.var.db, [route.guid])).get(route.guid) ?? []
  const path = `/v3/routes/${route.guid}`
  return {
    destinations: destinations.filter(isWanted).map((row) => presentDestination(row, route)),
    links: presentLinks(c.var.settings.externalUrl, { self: `${path}/destinations`, route: path }),
  }
}

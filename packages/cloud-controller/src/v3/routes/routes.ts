import { Hono } from 'hono'
import { isFeatureEnabled, requireFeature } from '../../actions/feature-flags.ts'
import { createRoute, invalidDomain, requestRouteDeletion, updateRoute } from '../../actions/routes.ts'
import type { Db } from '../../db/schema.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acting } from '../kit/acting.ts'
import { jsonObject } from '../kit/body.ts'
import { answers, answersJob, lists, reads, shows, takes } from '../kit/operation.ts'
import type { QueryParameter } from '../kit/query-parameters.ts'
import { parseQueryString } from '../kit/query-string.ts'
import { find } from '../kit/verbs.ts'
import { spaces } from '../spaces/resource.ts'
import { RouteCreate, RouteUpdate } from './messages.ts'
import { ownedRoutes, routeGuidsOfApps, routes as routeResource, routesOfApps } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/routes_controller.rb. */
export const routes = new Hono<WorkerEnv>()

const unmapped: QueryParameter = { name: 'unmapped', schema: { const: true }, isRequired: true }

routes.get('/v3/routes', lists(routeResource))
routes.get('/v3/routes/:guid', shows(ownedRoutes, { faultsAs: 'unprocessable' }))

routes.get(
  '/v3/apps/:guid/routes',
  lists(routesOfApps, {
    without: ['app_guids'],
    perRequest: async (c) => {
      const app = await find(c, apps)
      return { where: (query) => query.where('routes.guid', 'in', routeGuidsOfApps(c.var.db, [app.guid])) }
    },
  }),
)

routes.post('/v3/routes', takes(RouteCreate.on, RouteCreate.off), answers(201, routeResource), async (c) => {
  const { db, caller } = c.var
  await requireFeature(db, caller, 'route_creation')
  const message = await c.var.message(RouteCreate[await hashRouting(db)]) // 422 before any look-up
  const { space: toSpace, domain: toDomain } = message.relationships
  const space = await db.selectFrom('spaces').selectAll().where('guid', '=', toSpace.data.guid).executeTakeFirst()
  const domain = await db.selectFrom('domains').selectAll().where('guid', '=', toDomain.data.guid).executeTakeFirst()
  if (!space) throw unprocessable('Invalid space. Ensure that the space exists and you have access to it.')
  if (!domain) throw invalidDomain()
  await requireInSpace(db, caller, space.guid, 'manageApps')
  if (domain.owning_organization_guid === null && message.host === '*' && !caller.writesGlobally)
    throw unprocessable(
      'You do not have sufficient permissions to create a route with a wildcard host on a domain not scoped to an organization.',
    )
  const request = await jsonObject(c)
  const guid = await db.transaction().execute((trx) =>
    createRoute(trx, acting(c), {
      host: message.host ?? '',
      path: message.path ?? '',
      port: message.port ?? null,
      domain,
      space,
      options: message.options,
      metadata: message.metadata,
      request,
    }),
  )
  return c.var.answer(guid)
})

routes.patch('/v3/routes/:guid', takes(RouteUpdate.on, RouteUpdate.off), answers(200, routeResource), async (c) => {
  const { db, caller } = c.var
  const message = await c.var.message(RouteUpdate[await hashRouting(db)]) // 422 before 404: CC parses before it looks up
  const route = await find(c, ownedRoutes)
  await requireInSpace(db, caller, route.space_guid, 'manageApps')
  await db.transaction().execute((trx) => updateRoute(trx, route.guid, message))
  return c.var.answer(route.guid)
})

routes.delete('/v3/routes/:guid', answersJob(), async (c) => {
  const { db, caller } = c.var
  const route = await find(c, ownedRoutes)
  await requireInSpace(db, caller, route.space_guid, 'manageApps')
  return c.var.answer({ operation: 'route.delete', resource: { type: 'route', guid: route.guid } }, (trx) =>
    requestRouteDeletion(trx, acting(c), route),
  )
})

routes.delete('/v3/spaces/:guid/routes', reads(unmapped), answersJob(), async (c) => {
  const { db, caller } = c.var
  requireUnmapped(c.req.url)
  const space = await find(c, spaces)
  await requireInSpace(db, caller, space.guid, 'manageApps')
  return c.var.answer({ operation: 'space.delete_unmapped_routes', resource: { type: 'space', guid: space.guid } })
})

const hashRouting = async (db: Db): Promise<'on' | 'off'> =>
  (await isFeatureEnabled(db, 'hash_based_routing')) ? 'on' : 'off'

/** cloud_controller_ng app/messages/space_delete_unmapped_routes_message.rb */
function requireUnmapped(url: string): void {
  const query = parseQueryString(url)
  const unmapped = query.values.get('unmapped')
  const faults: string[] = []
  const unknown = query.keys.filter((key) => key !== 'unmapped')
  if (unknown.length > 0) faults.push(`Unknown field(s): ${unknown.map((key) => `'${key}'`).join(', ')}`)
  if (unmapped === undefined || unmapped === '') faults.push("Unmapped can't be blank")
  if (unmapped === undefined)
    faults.push("Mass delete not supported for routes. Use 'unmapped=true' parameter to delete all unmapped routes.")
  if (unmapped !== 'true' && unmapped !== 'false') faults.push('Unmapped must be a boolean')
  if (unmapped === 'false')
    faults.push(
      "Mass delete not supported for mapped routes. Use 'unmapped=true' parameter to delete all unmapped routes.",
    )
  if (faults.length > 0) throw unprocessable(faults.join(', '))
}

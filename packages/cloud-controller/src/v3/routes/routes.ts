import { Hono } from 'hono'
import { requireFeature } from '../../actions/feature-flags.ts'
import { createRoute, invalidDomain, requestRouteDeletion, updateRoute } from '../../actions/routes.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acceptJob } from '../kit/accepted.ts'
import { acting } from '../kit/acting.ts'
import { body, jsonObject, validated } from '../kit/body.ts'
import { presented } from '../kit/present.ts'
import { parseQueryString } from '../kit/query-string.ts'
import { find, list, reread, show } from '../kit/verbs.ts'
import { spaces } from '../spaces/resource.ts'
import { routeCreate, routeUpdate } from './messages.ts'
import { ownedRoutes, routeGuidsOfApps, routes as routeResource, routesOfApps } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/routes_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/routes', (c) => list(c, routeResource))
routes.get('/v3/routes/:guid', (c) => show(c, ownedRoutes, { faultsAs: 'unprocessable' }))

routes.get('/v3/apps/:guid/routes', async (c) => {
  const app = await find(c, apps)
  return list(c, routesOfApps, {
    where: (query) => query.where('routes.guid', 'in', routeGuidsOfApps(c.var.db, [app.guid])),
    without: ['app_guids'],
  })
})

routes.post('/v3/routes', async (c) => {
  const { db, caller } = c.var
  await requireFeature(db, caller, 'route_creation')
  const request = await jsonObject(c)
  const message = validated(request, await routeCreate(db)) // 422 before any look-up
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
  return c.json(await presented(c, routeResource, await reread(c, routeResource, guid)), 201)
})

routes.patch('/v3/routes/:guid', async (c) => {
  const { db, caller } = c.var
  const message = await body(c, await routeUpdate(db)) // 422 before 404: CC parses before it looks up
  const route = await find(c, ownedRoutes)
  await requireInSpace(db, caller, route.space_guid, 'manageApps')
  await db.transaction().execute((trx) => updateRoute(trx, route.guid, message))
  return c.json(await presented(c, routeResource, await reread(c, routeResource, route.guid)))
})

routes.delete('/v3/routes/:guid', async (c) => {
  const { db, caller } = c.var
  const route = await find(c, ownedRoutes)
  await requireInSpace(db, caller, route.space_guid, 'manageApps')
  return acceptJob(c, { operation: 'route.delete', resource: { type: 'route', guid: route.guid } }, (trx) =>
    requestRouteDeletion(trx, acting(c), route),
  )
})

routes.delete('/v3/spaces/:guid/routes', async (c) => {
  const { db, caller } = c.var
  requireUnmapped(c.req.url)
  const space = await find(c, spaces)
  await requireInSpace(db, caller, space.guid, 'manageApps')
  return acceptJob(c, { operation: 'space.delete_unmapped_routes', resource: { type: 'space', guid: space.guid } })
})

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

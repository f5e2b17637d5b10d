import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routeFixture } from '../../testing/route-fixture.ts'
import { type Answer, testController } from '../../testing/test-controller.ts'

const detail = ({ body }: Answer): string => body.errors[0].detail
const to = (guid: string, fields: object = {}, type?: string) => ({
  app: { guid, ...(type && { process: { type } }) },
  ...fields,
})
interface Seen {
  guid: string
  app: { guid: string; process: { type: string } }
  port: number
  weight: number | null
  protocol: string
}
const seen = ({ body }: Answer) =>
  body.destinations
    .map(({ app, port, weight, protocol }: Seen) => `${app.process.type}:${port} ${protocol} ${weight}`)
    .sort()

test('POST adds destinations, answers with all, and tells the running app and an event', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { space, route, startedApp, toldUris } = await routeFixture(controller)
  const guid = await route({ host: 'www', options: { loadbalancing: 'round-robin' } })
  const app = await startedApp('shop')
  const path = `/v3/routes/${guid}/destinations`
  const { status, body } = await admin.post(path, { destinations: [to(app)] })
  assert.equal(status, 200)
  const [destination] = body.destinations
  assert.deepEqual(body, {
    destinations: [
      {
        guid: destination.guid,
        app: { guid: app, process: { type: 'web' } },
        weight: null,
        port: 8080,
        protocol: 'http1',
        created_at: destination.created_at,
        updated_at: destination.created_at,
      },
    ],
    links: {
      self: { href: `http://api.example.org${path}` },
      route: { href: `http://api.example.org/v3/routes/${guid}` },
    },
  })
  assert.deepEqual((await admin.get(path)).body, body)
  assert.deepEqual((await admin.get(`/v3/routes/${guid}`)).body.destinations, body.destinations)
  assert.deepEqual(toldUris(), [['www.apps.localhost']])
  const event = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', 'audit.app.map-route')
    .executeTakeFirstOrThrow()
  assert.deepEqual([event.target_guid, event.target_name, event.space_guid], [app, 'shop', space])
  assert.deepEqual(JSON.parse(event.data), {
    route_guid: guid,
    app_port: 8080,
    route_mapping_guid: destination.guid,
    destination_guid: destination.guid,
    process_type: 'web',
    weight: null,
    protocol: 'http1',
    route_options: { loadbalancing: 'round-robin' },
  })
})

test('posting a destination again changes nothing, with another protocol it is refused', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { route, startedApp } = await routeFixture(controller)
  const [guid, app] = [await route(), await startedApp('shop')]
  const path = `/v3/routes/${guid}/destinations`
  const first = await admin.post(path, { destinations: [to(app)] })
  const again = await admin.post(path, { destinations: [to(app, { port: 8080, protocol: 'http1' })] })
  assert.deepEqual(again.body, first.body, 'the default port said aloud is the same place')
  assert.equal(
    (await db.selectFrom('audit_events').selectAll().where('type', '=', 'audit.app.map-route').execute()).length,
    1,
  )
  assert.equal(
    detail(await admin.post(path, { destinations: [to(app, { protocol: 'http2' })] })),
    `Cannot add destination with protocol: http2. Destination already exists for route: www.apps.localhost, app: ${app}, process: web, and protocol: http1.`,
  )
  const more = await admin.post(path, {
    destinations: [to(app, { protocol: 'http2' }, 'worker'), to(app, { port: 9000 })],
  })
  assert.deepEqual(seen(more), ['web:8080 http1 null', 'web:9000 http1 null', 'worker:8080 http2 null'])
})

test('a bad list of destinations is refused in CC’s words', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { route, startedApp } = await routeFixture(controller)
  const [guid, app] = [await route(), await startedApp('shop')]
  const path = `/v3/routes/${guid}/destinations`
  const post = async (destinations: unknown) => detail(await admin.post(path, { destinations }))
  const patch = async (destinations: unknown) => detail(await admin.patch(path, { destinations }))
  const range = (minimum: number) =>
    `Destinations must be an array containing between ${minimum} and 100 destination objects.`
  assert.equal(await post([]), range(1))
  assert.equal(await post('x'), range(1))
  assert.equal(await patch(Array.from({ length: 101 }, () => to(app))), range(0))
  assert.equal(detail(await admin.post(path, { wheels: 4 })), `Unknown field(s): 'wheels', ${range(1)}`)
  assert.equal(
    await post(['x', {}, { app: { guid: app }, wheels: 4 }, { app: {} }]),
    'Destinations[0]: must be an object., Destinations[1]: must have an "app"., Destinations[2]: must have only "app" and optionally "weight", "port" or "protocol"., Destinations[3]: app must have the structure {"guid": "app_guid"}',
  )
  assert.equal(
    await post([{ app: { guid: app, process: {} } }]),
    'Destinations[0]: process must have the structure {"type": "process_type"}',
  )
  assert.equal(
    await post([to(app, { weight: 100, port: 80, protocol: 'spdy' })]),
    "Destinations[0]: weighted destinations can only be used when replacing all destinations., Destinations[0]: port must be a positive integer between 1024 and 65535 inclusive., Destinations[0]: protocol must be 'http1', 'http2' or 'tcp'.",
  )
  assert.equal(
    await patch([to(app, { weight: 0 })]),
    'Destinations[0]: weight must be a positive integer between 1 and 100.',
  )
  assert.equal(
    await patch([to(app, { weight: 100 }), to(app, {}, 'worker')]),
    'Destinations cannot contain both weighted and unweighted destinations.',
  )
  assert.equal(
    await patch([to(app, { weight: 60 }), to(app, { weight: 60 }, 'worker')]),
    'Destinations must have weights that sum to 100.',
  )
  assert.equal(
    await post(Array.from({ length: 11 }, (_, index) => to(app, { port: 9000 + index }))),
    'Process must have at most 10 exposed ports.',
  )
  assert.equal(await post([to(app), to(app)]), 'Destinations cannot contain duplicate entries')
  assert.equal(await patch([to(app), to(app, { protocol: 'http2' })]), 'Destinations cannot contain duplicate entries')
  assert.equal(
    await post([to(app, { protocol: 'tcp' })]),
    "Cannot use 'tcp' protocol for http routes; valid options are: [http1, http2].",
  )
})

test('a route has at most 100 destinations', async (t) => {
  const controller = await testController(t)
  const { route, startedApp } = await routeFixture(controller)
  const [guid, app] = [await route(), await startedApp('shop')]
  const path = `/v3/routes/${guid}/destinations`
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => to(app, {}, `type-${from + index}`))
  assert.equal((await controller.admin.post(path, { destinations: many(0, 100) })).status, 200)
  assert.equal(
    detail(await controller.admin.post(path, { destinations: many(100, 1) })),
    'Routes can be mapped to at most 100 destinations.',
  )
})

test('the apps must exist, be seen, and be in a space of the route', async (t) => {
  const controller = await testController(t)
  const { admin, withRole } = controller
  const { space, route, spaceNamed, startedApp } = await routeFixture(controller)
  const other = await spaceNamed('other')
  const [guid, app] = [await route(), await startedApp('shop', other)]
  const path = `/v3/routes/${guid}/destinations`
  const body = { destinations: [to(app)] }
  assert.equal(
    detail(await admin.post(path, { destinations: [to('x'), to('y')] })),
    'App(s) with guid(s) "x", "y" do not exist.',
  )
  const elsewhere = "Routes destinations must be in either the route's space or the route's shared spaces"
  assert.equal(detail(await admin.post(path, body)), elsewhere)
  const developer = await withRole({ type: 'space_developer', space })
  assert.equal(detail(await developer.post(path, body)), `App(s) with guid(s) "${app}" you do not have access.`)
})

test('PATCH replaces all destinations; what stays the same keeps its guid', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { route, startedApp, toldUris } = await routeFixture(controller)
  const [guid, shop, blog] = [await route(), await startedApp('shop'), await startedApp('blog')]
  const path = `/v3/routes/${guid}/destinations`
  const [kept] = (await admin.post(path, { destinations: [to(shop)] })).body.destinations
  await admin.post(path, { destinations: [to(shop, {}, 'worker')] })
  toldUris()
  const replaced = await admin.patch(path, { destinations: [to(shop), to(blog, { protocol: 'http2' })] })
  assert.equal(replaced.status, 200)
  assert.deepEqual(seen(replaced), ['web:8080 http1 null', 'web:8080 http2 null'])
  assert.ok(replaced.body.destinations.some((destination: Seen) => destination.guid === kept.guid))
  assert.deepEqual(toldUris(), [['www.apps.localhost'], ['www.apps.localhost']])
  const events = await db.selectFrom('audit_events').select('type').where('type', 'like', '%map-route').execute()
  assert.deepEqual(
    events.map(({ type }) => type),
    ['audit.app.map-route', 'audit.app.map-route', 'audit.app.unmap-route', 'audit.app.map-route'],
  )
  const weighted = await admin.patch(path, { destinations: [to(shop, { weight: 40 }), to(blog, { weight: 60 })] })
  assert.deepEqual(seen(weighted), ['web:8080 http1 40', 'web:8080 http1 60'])
  assert.equal(
    detail(await admin.post(path, { destinations: [to(shop, {}, 'worker')] })),
    'Destinations cannot be inserted when there are weighted destinations already configured.',
  )
  const [one] = weighted.body.destinations
  assert.equal(
    detail(await admin.delete(`${path}/${one.guid}`)),
    'Weighted destinations cannot be deleted individually.',
  )
  toldUris()
  assert.deepEqual((await admin.patch(path, { destinations: [] })).body.destinations, [])
  assert.deepEqual(toldUris(), [[], []])
})

test('one destination is filtered, changed and removed', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { route, startedApp, toldUris } = await routeFixture(controller)
  const [guid, other, shop, blog] = [
    await route(),
    await route({ host: 'other' }),
    await startedApp('shop'),
    await startedApp('blog'),
  ]
  const path = `/v3/routes/${guid}/destinations`
  const all: Seen[] = (await admin.post(path, { destinations: [to(shop), to(blog)] })).body.destinations
  const toShop = all.find(({ app }) => app.guid === shop)?.guid
  const guids = async (query: string) =>
    (await admin.get(`${path}?${query}`)).body.destinations.map((destination: Seen) => destination.guid)
  assert.deepEqual(await guids(`app_guids=${shop}`), [toShop])
  assert.deepEqual(await guids(`guids=${toShop},x`), [toShop])
  const unknown = await admin.get(`${path}?page=1`)
  assert.equal(unknown.status, 422)
  assert.equal(detail(unknown), "Unknown query parameter(s): 'page'. Valid parameters are: 'guids', 'app_guids'")

  toldUris()
  const changed = await admin.patch(`${path}/${toShop}`, { protocol: 'http2' })
  assert.deepEqual(
    [changed.status, changed.body.protocol, changed.body.links],
    [
      200,
      'http2',
      {
        destinations: { href: `http://api.example.org${path}` },
        route: { href: `http://api.example.org/v3/routes/${guid}` },
      },
    ],
  )
  assert.deepEqual(toldUris(), [['www.apps.localhost']])
  const patch = async (protocol: unknown) => detail(await admin.patch(`${path}/${toShop}`, { protocol }))
  assert.equal(await patch('spdy'), "Destination protocol must be 'http1', 'http2' or 'tcp'.")
  assert.equal(
    await patch('tcp'),
    "Destination protocol must be 'http1' or 'http2' if the parent route's protocol is 'http'",
  )
  const missing = 'Unable to unmap route from destination. Ensure the route has a destination with this guid.'
  assert.equal(detail(await admin.patch(`/v3/routes/${other}/destinations/${toShop}`, {})), missing)
  assert.equal(detail(await admin.delete(`/v3/routes/${other}/destinations/${toShop}`)), missing)

  const removed = await admin.delete(`${path}/${toShop}`)
  assert.deepEqual([removed.status, removed.body], [204, ''])
  assert.deepEqual(toldUris(), [[]])
  assert.deepEqual(
    await guids(''),
    all.filter(({ guid: id }) => id !== toShop).map(({ guid: id }) => id),
  )
  assert.equal(detail(await admin.delete(`${path}/${toShop}`)), missing)
})

test('who manages apps in the route’s space changes its destinations', async (t) => {
  const controller = await testController(t)
  const { withRole } = controller
  const { organization, space, route, startedApp } = await routeFixture(controller)
  const [guid, app] = [await route(), await startedApp('shop')]
  const body = { destinations: [to(app)] }
  const path = `/v3/routes/${guid}/destinations`
  for (const type of ['space_developer', 'space_supporter'] as const)
    assert.equal((await (await withRole({ type, space })).post(path, body)).status, 200, type)
  for (const type of ['space_manager', 'space_auditor'] as const)
    assert.equal((await (await withRole({ type, space })).post(path, body)).status, 403, type)
  const manager = await withRole({ type: 'organization_manager', organization })
  assert.equal((await manager.post(path, body)).status, 403)
  assert.equal((await (await controller.as()).post(path, body)).status, 404)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routeFixture } from '../../testing/route-fixture.ts'
import { testController } from '../../testing/test-controller.ts'

test('bindings of routes are listed to who reads the space, and keep a route from being an orphan', async (t) => {
  const controller = await testController(t)
  const { admin, db, withRole } = controller
  const { organization, space, route } = await routeFixture(controller)
  const [www] = [await route({ host: 'www' }), await route({ host: 'api' })]
  const times = { created_at: '2026-01-02T03:04:05.678Z', updated_at: '2026-01-02T03:04:05.678Z' }
  await db
    .insertInto('service_instances')
    .values({
      ...times,
      guid: 'instance',
      name: 'limiter',
      space_guid: space,
      type: 'managed',
      sealed_credentials: null,
      syslog_drain_url: null,
      route_service_url: null,
      tags: '[]',
    })
    .execute()
  await db
    .insertInto('service_route_bindings')
    .values({
      ...times,
      guid: 'binding',
      route_guid: www,
      service_instance_guid: 'instance',
      route_service_url: 'https://limiter.example.org',
    })
    .execute()

  const expected = {
    guid: 'binding',
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
    route_service_url: 'https://limiter.example.org',
    last_operation: {
      type: 'create',
      state: 'succeeded',
      description: '',
      created_at: '2026-01-02T03:04:05Z',
      updated_at: '2026-01-02T03:04:05Z',
    },
    relationships: { service_instance: { data: { guid: 'instance' } }, route: { data: { guid: www } } },
    metadata: { labels: {}, annotations: {} },
    links: {
      self: { href: 'http://api.example.org/v3/service_route_bindings/binding' },
      service_instance: { href: 'http://api.example.org/v3/service_instances/instance' },
      route: { href: `http://api.example.org/v3/routes/${www}` },
      parameters: { href: 'http://api.example.org/v3/service_route_bindings/binding/parameters' },
    },
  }
  assert.deepEqual((await admin.get('/v3/service_route_bindings/binding')).body, expected)
  const found = async (query: string, by = admin) =>
    (await by.get(`/v3/service_route_bindings?${query}`)).body.resources.length
  assert.equal(await found(`route_guids=${www}&include=service_instance`), 1)
  assert.equal(await found('route_guids=other'), 0)
  assert.equal(await found('service_instance_guids=instance&service_instance_names=limiter'), 1)
  const included = (await admin.get('/v3/service_route_bindings?include=route')).body.included
  assert.deepEqual(
    included.routes.map(({ guid }: { guid: string }) => guid),
    [www],
  )

  const auditor = await withRole({ type: 'space_auditor', space })
  assert.equal(await found('', auditor), 1)
  const user = await withRole({ type: 'organization_user', organization })
  assert.equal(await found('', user), 0)
  assert.equal((await user.get('/v3/service_route_bindings/binding')).status, 404)

  const bound = await admin.get('/v3/routes?service_instance_guids=instance')
  assert.deepEqual(
    bound.body.resources.map(({ host }: { host: string }) => host),
    ['www'],
  )
  await admin.delete(`/v3/spaces/${space}/routes?unmapped=true`)
  await controller.runJobs()
  assert.deepEqual(
    (await admin.get('/v3/routes')).body.resources.map(({ host }: { host: string }) => host),
    ['www'],
  )
})

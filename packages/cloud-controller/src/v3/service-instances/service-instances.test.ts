import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

const time = { created_at: '2026-01-02T03:04:05.678Z', updated_at: '2026-01-02T03:04:05.678Z' }
const shown = { created_at: '2026-01-02T03:04:05Z', updated_at: '2026-01-02T03:04:05Z' }

/** Space dev with app web, user-provided instance db bound to it, and a key of the instance. */
async function withInstance(t: TestContext) {
  const controller = await testController(t)
  const { admin, db } = controller
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', {
    name: 'dev',
    relationships: { organization: { data: { guid: org.guid } } },
  })
  const { body: app } = await admin.post('/v3/apps', {
    name: 'web',
    relationships: { space: { data: { guid: space.guid } } },
  })
  await db
    .insertInto('service_instances')
    .values({
      ...time,
      guid: 'instance',
      name: 'db',
      space_guid: space.guid,
      type: 'user-provided',
      sealed_credentials: null,
      syslog_drain_url: 'syslog://drain.example.org',
      route_service_url: null,
      tags: '["sql"]',
    })
    .execute()
  const binding = { ...time, service_instance_guid: 'instance', sealed_credentials: '', syslog_drain_url: null }
  await db
    .insertInto('service_credential_bindings')
    .values([
      { ...binding, guid: 'binding', type: 'app', name: 'data', app_guid: app.guid },
      { ...binding, guid: 'key', type: 'key', name: 'my-key', app_guid: null },
    ])
    .execute()
  const total = async (path: string) => (await admin.get(path)).body.pagination.total_results
  return { ...controller, org, space, app, total }
}

test('GET /v3/service_instances/:guid answers the whole user-provided instance', async (t) => {
  const { admin, space } = await withInstance(t)
  const { body } = await admin.get('/v3/service_instances/instance')
  const base = 'http://api.example.org/v3'
  assert.deepEqual(body, {
    guid: 'instance',
    ...shown,
    name: 'db',
    tags: ['sql'],
    last_operation: {},
    type: 'user-provided',
    syslog_drain_url: 'syslog://drain.example.org',
    route_service_url: null,
    relationships: { space: { data: { guid: space.guid } } },
    metadata: { labels: {}, annotations: {} },
    links: {
      self: { href: `${base}/service_instances/instance` },
      space: { href: `${base}/spaces/${space.guid}` },
      service_credential_bindings: { href: `${base}/service_credential_bindings?service_instance_guids=instance` },
      service_route_bindings: { href: `${base}/service_route_bindings?service_instance_guids=instance` },
      credentials: { href: `${base}/service_instances/instance/credentials` },
    },
  })
  assert.equal((await admin.get('/v3/service_instances/x')).body.errors[0].detail, 'Service instance not found')
})

test('service instances are filtered, and tell slim parents with fields', async (t) => {
  const { admin, org, space, withRole, total } = await withInstance(t)
  const path = '/v3/service_instances'
  assert.equal(await total(`${path}?names=db&space_guids=${space.guid}&organization_guids=${org.guid}`), 1)
  assert.equal(await total(`${path}?type=user-provided`), 1)
  assert.equal(await total(`${path}?type=managed`), 0)
  assert.equal(await total(`${path}?service_plan_names=small`), 0)

  const fields = 'fields[space]=name,relationships.organization&fields[space.organization]=guid,name'
  const plans = 'fields[service_plan]=guid&fields[service_plan.service_offering.service_broker]=name'
  const developer = await withRole({ type: 'space_developer', space: space.guid })
  const { body } = await developer.get(`${path}?${fields}&${plans}`)
  assert.deepEqual(body.included, {
    spaces: [{ name: 'dev', relationships: { organization: { data: { guid: org.guid } } } }],
    organizations: [{ guid: org.guid, name: 'acme' }],
    service_plans: [],
    service_brokers: [],
  })
  assert.deepEqual((await admin.get(`${path}/instance?fields[space]=guid`)).body.included, {
    spaces: [{ guid: space.guid }],
  })
  const detail = async (query: string) => (await admin.get(`${path}${query}`)).body.errors[0].detail
  assert.match(
    await detail('?fields[route]=guid'),
    /Fields \[route\] valid resources are: 'space', 'space.organization'/,
  )
  assert.match(
    await detail('/instance?fields[space]=relationships.organization'),
    /Fields valid keys for 'space' are: 'guid', 'name'/,
  )
  assert.match(await detail('?fields=space'), /Fields must be an object/)
  assert.match(await detail('?type=x'), /Type must be one of 'managed', 'user-provided'/)
})

test('service instances and bindings are seen by who reads their space', async (t) => {
  const { org, space, as, withRole } = await withInstance(t)
  const readers = {
    org_manager: [await withRole({ type: 'organization_manager', organization: org.guid }), 200],
    space_auditor: [await withRole({ type: 'space_auditor', space: space.guid }), 200],
    org_auditor: [await withRole({ type: 'organization_auditor', organization: org.guid }), 404],
    no_role: [await as(), 404],
  } as const
  for (const [name, [client, status]] of Object.entries(readers)) {
    for (const path of [
      'service_instances/instance',
      'service_credential_bindings/binding',
      'service_credential_bindings/key',
    ])
      assert.equal((await client.get(`/v3/${path}`)).status, status, `${name} ${path}`)
    const { body } = await client.get('/v3/service_credential_bindings')
    assert.equal(body.pagination.total_results, status === 200 ? 2 : 0, name)
  }
})

test('GET /v3/service_credential_bindings tells bindings of apps and keys, with what they belong to', async (t) => {
  const { admin, app, total } = await withInstance(t)
  const path = '/v3/service_credential_bindings'
  const { body } = await admin.get(`${path}?include=app,service_instance&order_by=name`)
  const last_operation = { type: 'create', state: 'succeeded', description: '', ...shown }
  const base = 'http://api.example.org/v3'
  assert.deepEqual(body.resources, [
    {
      guid: 'binding',
      ...shown,
      name: 'data',
      type: 'app',
      last_operation,
      relationships: { service_instance: { data: { guid: 'instance' } }, app: { data: { guid: app.guid } } },
      metadata: { labels: {}, annotations: {} },
      links: {
        self: { href: `${base}/service_credential_bindings/binding` },
        details: { href: `${base}/service_credential_bindings/binding/details` },
        service_instance: { href: `${base}/service_instances/instance` },
        app: { href: `${base}/apps/${app.guid}` },
      },
    },
    {
      guid: 'key',
      ...shown,
      name: 'my-key',
      type: 'key',
      last_operation,
      relationships: { service_instance: { data: { guid: 'instance' } } },
      metadata: { labels: {}, annotations: {} },
      links: {
        self: { href: `${base}/service_credential_bindings/key` },
        details: { href: `${base}/service_credential_bindings/key/details` },
        service_instance: { href: `${base}/service_instances/instance` },
      },
    },
  ])
  assert.deepEqual(
    [body.included.apps, body.included.service_instances].map((rows) => rows.map((row: { name: string }) => row.name)),
    [['web'], ['db']],
  )
  assert.equal(await total(`${path}?app_guids=${app.guid}&type=app&app_names=web&service_instance_names=db`), 1)
  assert.equal(await total(`${path}?service_instance_guids=instance&names=my-key`), 1)
  assert.equal(await total(`${path}?service_offering_names=x`), 0)
  assert.equal((await admin.get(`${path}?type=route`)).status, 400)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routeFixture } from '../../testing/route-fixture.ts'
import {
  type Answer,
  type Client,
  globalScopes,
  type TestController,
  testController,
} from '../../testing/test-controller.ts'

const detail = ({ body }: Answer): string => body.errors[0].detail
const hosts = ({ body }: Answer): string[] => body.resources.map(({ host }: { host: string }) => host)

async function setFlag({ db }: TestController, name: string, enabled: boolean): Promise<void> {
  await db
    .insertInto('feature_flags')
    .values({ name, enabled: enabled ? 1 : 0, custom_error_message: null, updated_at: '' })
    .execute()
}

test('POST /v3/routes answers 201 with the whole route, and tells of it in an event', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { domain, space, routeBody } = await routeFixture(controller)
  const request = routeBody({ host: 'www', path: '/shop', metadata: { labels: { tier: 'gold' } } })
  const { status, body } = await admin.post('/v3/routes', request)
  assert.equal(status, 201)
  const expected = {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    protocol: 'http',
    host: 'www',
    path: '/shop',
    port: null,
    url: 'www.apps.localhost/shop',
    destinations: [],
    options: {},
    relationships: { space: { data: { guid: space } }, domain: { data: { guid: domain } } },
    metadata: { labels: { tier: 'gold' }, annotations: {} },
    links: {
      self: { href: `http://api.example.org/v3/routes/${body.guid}` },
      space: { href: `http://api.example.org/v3/spaces/${space}` },
      destinations: { href: `http://api.example.org/v3/routes/${body.guid}/destinations` },
      domain: { href: `http://api.example.org/v3/domains/${domain}` },
    },
  }
  assert.deepEqual(body, expected)
  assert.deepEqual((await admin.get(`/v3/routes/${body.guid}`)).body, expected)
  const event = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', 'audit.route.create')
    .executeTakeFirstOrThrow()
  assert.deepEqual([event.target_guid, event.target_name, event.space_guid], [body.guid, 'www', space])
  assert.deepEqual(JSON.parse(event.data), { request })
})

test('a bad body is answered with every fault in CC’s words, before anything is looked up', async (t) => {
  const controller = await testController(t)
  const { routeBody } = await routeFixture(controller)
  const faults = async (body: unknown) => {
    const answer = await controller.admin.post('/v3/routes', body)
    assert.equal(answer.status, 422)
    return detail(answer)
  }
  assert.equal(
    await faults({ ...routeBody({ host: 'a.b', path: 'x?y', port: 70_000, wheels: 4 }) }),
    `Unknown field(s): 'wheels', Host must be either "*" or contain only alphanumeric characters, "_", or "-", Path must begin with /, Path cannot contain ?, Port must be less than or equal to 65535`,
  )
  assert.equal(await faults(routeBody({ host: 'a'.repeat(64) })), 'Host is too long (maximum is 63 characters)')
  assert.equal(
    await faults(routeBody({ host: 'a', path: `/${'a'.repeat(128)}` })),
    'Path is too long (maximum is 128 characters)',
  )
  assert.equal(await faults(routeBody({ host: 4, path: '/' })), 'Host must be a string, Path cannot be exactly /')
  assert.equal(
    await faults({ host: 'a', relationships: { space: { data: { guid: 'x' } } } }),
    `Relationships Domain can't be blank, Relationships Domain must be structured like this: "domain: {"data": {"guid": "valid-guid"}}"`,
  )
  const { relationships } = routeBody() as { relationships: { space: object; domain: object } }
  assert.equal(
    await faults({ relationships: { ...relationships, space: { data: { guid: 'nowhere' } } } }),
    'Invalid space. Ensure that the space exists and you have access to it.',
  )
  assert.equal(
    await faults({ relationships: { ...relationships, domain: { data: { guid: 'nowhere' } } } }),
    'Invalid domain. Ensure that the domain exists and you have access to it.',
  )
})

test('an address that can’t be is refused', async (t) => {
  const controller = await testController(t)
  const { admin, db, withRole } = controller
  const { organization, space, routeBody } = await routeFixture(controller)
  const other = (await admin.post('/v3/organizations', { name: 'other' })).body.guid
  const domainNamed = async (name: string, fields: object) =>
    (await admin.post('/v3/domains', { name, ...fields })).body.guid
  const owned = (guid: string) => ({ relationships: { organization: { data: { guid } } } })
  const inDomain = (guid: string, fields: object) => ({
    ...fields,
    relationships: { space: { data: { guid: space } }, domain: { data: { guid } } },
  })
  const create = async (body: unknown, by: Client = admin) => {
    const answer = await by.post('/v3/routes', body)
    return answer.status === 201 ? answer.body.url : detail(answer)
  }
  assert.equal(
    await create(inDomain(await domainNamed('other.org', owned(other)), { host: 'a' })),
    "Invalid domain. Domain 'other.org' is not available in organization 'acme'.",
  )
  assert.equal(await create(routeBody()), 'Missing host. Routes in shared domains must have a host defined.')
  assert.equal(await create(routeBody({ host: 'a', port: 4000 })), "Routes with protocol 'http' do not support ports.")
  assert.equal(await create(routeBody({ host: 'a', path: '/ä' })), 'Path is invalid.')
  await domainNamed('taken.apps.localhost', {})
  assert.equal(await create(routeBody({ host: 'taken' })), "Route conflicts with domain 'taken.apps.localhost'.")
  const long = await domainNamed(`${'abcdefghi.'.repeat(24)}org`, {})
  assert.equal(
    await create(inDomain(long, { host: 'abcdefghijk' })),
    'Host combined with domain name must be no more than 253 characters.',
  )
  const internal = await domainNamed('internal.example.org', { internal: true })
  assert.equal(
    await create(inDomain(internal, { host: '*' })),
    'Wildcard hosts are not supported for internal domains.',
  )
  assert.equal(
    await create(inDomain(internal, { host: 'a', path: '/a' })),
    'Paths are not supported for internal domains.',
  )
  const developer = await withRole({ type: 'space_developer', space })
  assert.equal(
    await create(routeBody({ host: '*' }), developer),
    'You do not have sufficient permissions to create a route with a wildcard host on a domain not scoped to an organization.',
  )
  assert.equal(await create(routeBody({ host: '*' })), '*.apps.localhost')
  const own = await domainNamed('acme.org', owned(organization))
  assert.equal(await create(inDomain(own, { host: '*' }), developer), '*.acme.org')
  assert.equal(await create(inDomain(own, {}), developer), 'acme.org')

  await db.updateTable('domains').set({ router_group_guid: 'tcp' }).where('guid', '=', own).execute()
  const tcp = await admin.post('/v3/routes', inDomain(own, { port: 4000 }))
  assert.equal(tcp.status, 503)
  assert.equal(detail(tcp), 'The Routing API is disabled.')
})

test('a route is taken whatever its letter case, with the words that clients match on', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { organization, space, routeBody } = await routeFixture(controller)
  const own = (
    await admin.post('/v3/domains', {
      name: 'acme.org',
      relationships: { organization: { data: { guid: organization } } },
    })
  ).body.guid
  const inOwn = (fields: object) => ({
    ...fields,
    relationships: { space: { data: { guid: space } }, domain: { data: { guid: own } } },
  })
  const again = async (first: unknown, second = first) => {
    assert.equal((await admin.post('/v3/routes', first)).status, 201)
    const answer = await admin.post('/v3/routes', second)
    assert.deepEqual([answer.status, answer.body.errors[0].title], [422, 'CF-UnprocessableEntity'])
    return detail(answer)
  }
  assert.equal(
    await again(routeBody({ host: 'www' }), routeBody({ host: 'WWW' })),
    "Route already exists with host 'WWW' for domain 'apps.localhost'.",
  )
  assert.equal(
    await again(routeBody({ host: 'www', path: '/a' }), routeBody({ host: 'www', path: '/A' })),
    "Route already exists with host 'www' and path '/A' for domain 'apps.localhost'.",
  )
  assert.equal(await again(inOwn({})), "Route already exists for domain 'acme.org'.")
  assert.equal(await again(inOwn({ path: '/a' })), "Route already exists with path '/a' for domain 'acme.org'.")
})

test('on a shared domain a host belongs to one space, on a private one to the whole organization', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { organization, routeBody, spaceNamed } = await routeFixture(controller)
  const other = await spaceNamed('other')
  assert.equal((await admin.post('/v3/routes', routeBody({ host: 'www' }))).status, 201)
  const refused = await admin.post('/v3/routes', routeBody({ host: 'WWW', path: '/a' }, other))
  assert.equal(refused.status, 422)
  assert.equal(detail(refused), 'domain_id and host host_and_domain_taken_different_space')

  const own = (
    await admin.post('/v3/domains', {
      name: 'acme.org',
      relationships: { organization: { data: { guid: organization } } },
    })
  ).body.guid
  for (const space of [other, (routeBody().relationships as { space: { data: { guid: string } } }).space.data.guid]) {
    const relationships = { space: { data: { guid: space } }, domain: { data: { guid: own } } }
    assert.equal((await admin.post('/v3/routes', { host: 'www', path: `/${space}`, relationships })).status, 201)
  }
})

test('who may create, change and delete a route, and who sees it', async (t) => {
  const controller = await testController(t)
  const { admin, withRole, as } = controller
  const { organization, space, routeBody, spaceNamed } = await routeFixture(controller)
  const route = (await admin.post('/v3/routes', routeBody({ host: 'www' }))).body.guid
  const otherSpace = await spaceNamed('other')
  let number = 0
  const statuses = async (client: Client) => [
    (await client.get(`/v3/routes/${route}`)).status,
    (await client.get('/v3/routes?hosts=www')).body.pagination?.total_results,
    (await client.post('/v3/routes', routeBody({ host: `host-${++number}` }))).status,
    (await client.patch(`/v3/routes/${route}`, {})).status,
    (await client.get(`/v3/routes/${route}/destinations`)).status,
    (await client.patch(`/v3/routes/${route}/destinations`, { destinations: [] })).status,
    (await client.delete(`/v3/routes/${route}`)).status,
    (await client.delete(`/v3/spaces/${space}/routes?unmapped=true`)).status,
  ]
  const all = [200, 1, 201, 200, 200, 200, 202, 202]
  const reading = [200, 1, 403, 403, 200, 403, 403, 403]
  assert.deepEqual(await statuses(admin), all)
  for (const type of ['space_developer', 'space_supporter'] as const)
    assert.deepEqual(await statuses(await withRole({ type, space })), all, type)
  for (const type of ['space_manager', 'space_auditor'] as const)
    assert.deepEqual(await statuses(await withRole({ type, space })), reading, type)
  const manager = await withRole({ type: 'organization_manager', organization })
  assert.deepEqual(await statuses(manager), reading)
  // An auditor of the organization reads routes, but not the space.
  const auditor = await withRole({ type: 'organization_auditor', organization })
  assert.deepEqual(await statuses(auditor), [...reading.slice(0, -1), 404])
  const nothing = [404, 0, 403, 404, 404, 404, 404, 404]
  for (const type of ['organization_user', 'organization_billing_manager'] as const)
    assert.deepEqual(await statuses(await withRole({ type, organization })), nothing, type)
  assert.deepEqual(await statuses(await withRole({ type: 'space_developer', space: otherSpace })), nothing)
  for (const scopes of [globalScopes.adminReadOnly, globalScopes.globalAuditor])
    assert.deepEqual(await statuses(await as({ scopes: [...scopes] })), reading)
  assert.deepEqual(await statuses(controller.anonymous), [401, undefined, 401, 401, 401, 401, 401, 401])

  await admin.patch(`/v3/organizations/${organization}`, { suspended: true })
  const developer = await withRole({ type: 'space_developer', space })
  const suspended = await developer.patch(`/v3/routes/${route}`, {})
  assert.equal(suspended.body.errors[0].title, 'CF-OrgSuspended')
})

test('the flag route_creation binds everybody but admins', async (t) => {
  const controller = await testController(t)
  const { routeBody, space } = await routeFixture(controller)
  await setFlag(controller, 'route_creation', false)
  const developer = await controller.withRole({ type: 'space_developer', space })
  const refused = await developer.post('/v3/routes', routeBody({ host: 'a' }))
  assert.deepEqual([refused.status, detail(refused)], [403, 'Feature Disabled: route_creation'])
  assert.equal((await controller.admin.post('/v3/routes', routeBody({ host: 'a' }))).status, 201)
})

test('GET /v3/routes filters, and includes domains, spaces and organizations', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { organization, space, domain, routeBody, route, spaceNamed, startedApp } = await routeFixture(controller)
  const other = await spaceNamed('other')
  const www = await route({ host: 'www', metadata: { labels: { tier: 'gold' } } })
  await route({ host: 'www', path: '/a' })
  await admin.post('/v3/routes', routeBody({ host: 'api' }, other))
  const app = await startedApp('shop')
  await admin.post(`/v3/routes/${www}/destinations`, { destinations: [{ app: { guid: app } }] })

  const found = async (query: string) => hosts(await admin.get(`/v3/routes?${query}`))
  assert.deepEqual(await found('hosts=WWW'), ['www', 'www'])
  assert.deepEqual(await found('hosts=www&paths='), ['www'])
  assert.deepEqual(await found('paths=/A'), ['www'])
  assert.deepEqual(await found('ports=8080'), [])
  assert.deepEqual(await found('ports=0,none&hosts=api'), ['api'])
  assert.deepEqual(await found(`space_guids=${other}`), ['api'])
  assert.deepEqual(await found(`organization_guids=${organization}&domain_guids=${domain}`), ['www', 'www', 'api'])
  assert.deepEqual(await found('organization_guids=nowhere'), [])
  assert.deepEqual(await found(`app_guids=${app}`), ['www'])
  assert.deepEqual(await found('service_instance_guids=none'), [])
  assert.deepEqual(await found('label_selector=tier%3Dgold'), ['www'])
  assert.deepEqual(await found('order_by=-created_at&per_page=1'), ['api'])

  const { included } = (await admin.get('/v3/routes?include=domain,space,space.organization')).body
  const guids = (resources: Array<{ guid: string }>) => resources.map(({ guid }) => guid)
  assert.deepEqual(guids(included.domains), [domain])
  assert.deepEqual(guids(included.spaces), [space, other])
  assert.deepEqual(guids(included.organizations), [organization])
  const shown = await admin.get(`/v3/routes/${www}?include=space`)
  assert.deepEqual(guids(shown.body.included.spaces), [space])
  const known = "Valid included resources are: 'domain', 'space', 'space.organization'"
  assert.equal(
    detail(await admin.get('/v3/routes?include=app,domain,user,domain,domain')),
    `The query parameter is invalid: Invalid included resource: 'app'. ${known}, Invalid included resource: 'user'. ${known}, Duplicate included resource: 'domain'`,
  )
  const refused = await admin.get(`/v3/routes/${www}?include=app`)
  assert.equal(refused.status, 422, 'this one answers as a body would')
  assert.match(detail(refused), /^Invalid included resource: 'app'\. Valid included resources are: 'domain', 'space'/)
})

test('GET /v3/apps/:guid/routes lists the routes of an app', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { organization, space, route, startedApp } = await routeFixture(controller)
  const [www] = [await route({ host: 'www' }), await route({ host: 'api' })]
  const app = await startedApp('shop')
  await admin.post(`/v3/routes/${www}/destinations`, { destinations: [{ app: { guid: app } }] })
  assert.deepEqual(hosts(await admin.get(`/v3/apps/${app}/routes`)), ['www'])
  assert.deepEqual(hosts(await admin.get(`/v3/apps/${app}/routes?hosts=api`)), [])
  const supporter = await controller.withRole({ type: 'space_supporter', space })
  assert.deepEqual(hosts(await supporter.get(`/v3/apps/${app}/routes`)), ['www'])
  const auditor = await controller.withRole({ type: 'organization_auditor', organization })
  assert.equal((await auditor.get(`/v3/apps/${app}/routes`)).status, 404)
  assert.equal((await admin.get(`/v3/apps/${app}/routes?app_guids=x`)).status, 400)
})

test('PATCH merges options; hash load balancing needs its flag and its header', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { routeBody, route } = await routeFixture(controller)
  const guid = await route({ host: 'www', options: { loadbalancing: 'round-robin' } })
  const options = async (value: unknown) => {
    const answer = await admin.patch(`/v3/routes/${guid}`, { options: value })
    return answer.status === 200 ? answer.body.options : detail(answer)
  }
  assert.deepEqual(await options({ loadbalancing: 'least-connection' }), { loadbalancing: 'least-connection' })
  assert.deepEqual(await options({}), { loadbalancing: 'least-connection' })
  assert.deepEqual(await options({ loadbalancing: null }), {})
  assert.equal(
    await options({ loadbalancing: 'hash' }),
    "Options Loadbalancing must be one of 'round-robin, least-connection' if present",
  )
  assert.equal(
    await options({ hash_header: 'X-User', wheels: 4 }),
    "Options Unknown field(s): 'wheels', Options Unknown field(s): 'hash_header'",
  )
  assert.equal(await options('x'), "Options 'options' is not a valid object")
  assert.equal(
    await options({ loadbalancing: 'x'.repeat(1024) }),
    `Options must be smaller than 1024 bytes (actual size is 1044 bytes), Options Loadbalancing must be one of 'round-robin, least-connection' if present`,
  )
  await setFlag(controller, 'hash_based_routing', true)
  assert.equal(
    await options({ loadbalancing: 'hash' }),
    'Hash header must be present when loadbalancing is set to hash.',
  )
  assert.deepEqual(await options({ loadbalancing: 'hash', hash_header: 'X-User', hash_balance: 1.26 }), {
    loadbalancing: 'hash',
    hash_header: 'X-User',
    hash_balance: '1.3',
  })
  assert.equal(
    await options({ hash_balance: '0.5', hash_header: 'x'.repeat(129) }),
    'Options Hash header must be at most 128 characters, Options Hash balance must be either 0 or between 1.1 and 10.0',
  )
  assert.equal(await options({ hash_balance: 'much' }), 'Options Hash balance must be a numeric value')
  assert.equal(
    await options({ loadbalancing: 'round-robin', hash_header: 'X' }),
    'Options Hash header can only be set when loadbalancing is hash',
  )
  assert.deepEqual(await options({ loadbalancing: 'round-robin' }), { loadbalancing: 'round-robin' })
  const created = await admin.post('/v3/routes', routeBody({ host: 'api', options: { loadbalancing: null } }))
  assert.deepEqual(created.body.options, {})
  const labelled = await admin.patch(`/v3/routes/${guid}`, { metadata: { labels: { tier: 'gold' } } })
  assert.deepEqual(labelled.body.metadata.labels, { tier: 'gold' })
  assert.equal(detail(await admin.patch(`/v3/routes/${guid}`, { host: 'x' })), "Unknown field(s): 'host'")
})

test('a deleted route is gone after its job, and running apps are told', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { route, startedApp, toldUris } = await routeFixture(controller)
  const [www, api] = [await route({ host: 'www' }), await route({ host: 'api' })]
  const app = await startedApp('shop')
  for (const guid of [www, api])
    await admin.post(`/v3/routes/${guid}/destinations`, { destinations: [{ app: { guid: app } }] })
  toldUris()
  const deleted = await admin.delete(`/v3/routes/${www}`)
  assert.equal(deleted.status, 202)
  assert.equal((await admin.delete(`/v3/routes/${www}`)).status, 202, 'a second job finds nothing to do')
  await controller.runJobs()
  const job = await admin.get(new URL(deleted.headers.get('location') ?? '').pathname)
  assert.deepEqual([job.body.operation, job.body.state], ['route.delete', 'COMPLETE'])
  assert.equal(detail(await admin.get(`/v3/routes/${www}`)), 'Route not found')
  assert.deepEqual(toldUris(), [['api.apps.localhost']])
  const events = await db
    .selectFrom('audit_events')
    .select('data')
    .where('type', '=', 'audit.route.delete-request')
    .execute()
  assert.deepEqual(JSON.parse(events[0]?.data ?? ''), { request: { recursive: true } })
})

test('DELETE /v3/spaces/:guid/routes?unmapped=true removes the routes that lead nowhere', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { space, route, routeBody, spaceNamed, startedApp } = await routeFixture(controller)
  const [www] = [await route({ host: 'www' }), await route({ host: 'api' })]
  await admin.post('/v3/routes', routeBody({ host: 'elsewhere' }, await spaceNamed('other')))
  const app = await startedApp('shop')
  await admin.post(`/v3/routes/${www}/destinations`, { destinations: [{ app: { guid: app } }] })
  const path = `/v3/spaces/${space}/routes`
  assert.equal(
    detail(await admin.delete(path)),
    "Unmapped can't be blank, Mass delete not supported for routes. Use 'unmapped=true' parameter to delete all unmapped routes., Unmapped must be a boolean",
  )
  assert.equal(
    detail(await admin.delete(`${path}?unmapped=false`)),
    "Mass delete not supported for mapped routes. Use 'unmapped=true' parameter to delete all unmapped routes.",
  )
  const accepted = await admin.delete(`${path}?unmapped=true`)
  assert.equal(accepted.status, 202)
  await controller.runJobs()
  const job = await admin.get(new URL(accepted.headers.get('location') ?? '').pathname)
  assert.deepEqual([job.body.operation, job.body.state], ['space.delete_unmapped_routes', 'COMPLETE'])
  assert.deepEqual(hosts(await admin.get('/v3/routes')), ['www', 'elsewhere'])
})

test('the number of SQL statements of a list does not grow with its rows', async (t) => {
  const controller = await testController(t)
  const { admin, countStatements } = controller
  const { route, startedApp } = await routeFixture(controller)
  const app = await startedApp('shop')
  const add = async (host: string) => {
    const guid = await route({ host })
    await admin.post(`/v3/routes/${guid}/destinations`, { destinations: [{ app: { guid: app } }] })
  }
  const statements = async () => {
    countStatements()
    await admin.get('/v3/routes?include=domain,space,space.organization')
    return countStatements()
  }
  await add('first')
  const one = await statements()
  for (let number = 0; number < 10; number++) await add(`host-${number}`)
  assert.equal(await statements(), one)
})

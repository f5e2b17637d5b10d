import assert from 'node:assert/strict'
import { test } from 'node:test'
import { globalScopes, type TestController, testController } from '../../testing/test-controller.ts'

async function organization(controller: TestController, name: string): Promise<string> {
  return (await controller.admin.post('/v3/organizations', { name })).body.guid
}

async function spaceIn(controller: TestController, organizationGuid: string, name = 'dev'): Promise<string> {
  const relationships = { organization: { data: { guid: organizationGuid } } }
  return (await controller.admin.post('/v3/spaces', { name, relationships })).body.guid
}

const ownedBy = (guid: string, shared?: string[]) => ({
  relationships: {
    organization: { data: { guid } },
    ...(shared && { shared_organizations: { data: shared.map((other) => ({ guid: other })) } }),
  },
})

const detail = (answer: { body: { errors: Array<{ detail: string }> } }) => answer.body.errors[0]?.detail

test('POST /v3/domains answers 201 with the whole shared domain', async (t) => {
  const { admin } = await testController(t)
  const { status, body } = await admin.post('/v3/domains', {
    name: 'internal.example.org',
    internal: true,
    metadata: { labels: { tier: 'gold' } },
  })
  assert.equal(status, 201)
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'internal.example.org',
    internal: true,
    router_group: null,
    supported_protocols: ['http'],
    relationships: { organization: { data: null }, shared_organizations: { data: [] } },
    metadata: { labels: { tier: 'gold' }, annotations: {} },
    links: {
      self: { href: `http://api.example.org/v3/domains/${body.guid}` },
      route_reservations: { href: `http://api.example.org/v3/domains/${body.guid}/route_reservations` },
    },
  })
})

test('POST /v3/domains makes a private domain that is shared from the start', async (t) => {
  const controller = await testController(t)
  const [owner, other] = [await organization(controller, 'acme'), await organization(controller, 'other')]
  const { status, body } = await controller.admin.post('/v3/domains', {
    name: 'apps.acme.org',
    ...ownedBy(owner, [other]),
  })
  assert.equal(status, 201)
  assert.deepEqual(body.relationships, {
    organization: { data: { guid: owner } },
    shared_organizations: { data: [{ guid: other }] },
  })
  assert.deepEqual(body.links, {
    self: { href: `http://api.example.org/v3/domains/${body.guid}` },
    route_reservations: { href: `http://api.example.org/v3/domains/${body.guid}/route_reservations` },
    organization: { href: `http://api.example.org/v3/organizations/${owner}` },
    shared_organizations: {
      href: `http://api.example.org/v3/domains/${body.guid}/relationships/shared_organizations`,
    },
  })
})

test('a bad body is answered with every fault in CC’s words', async (t) => {
  const { admin } = await testController(t)
  const faults = async (body: unknown) => detail(await admin.post('/v3/domains', body))
  assert.equal(
    await faults({}),
    'Name can\'t be blank, Name must be a string, Name is too short (minimum is 3 characters), Name does not comply with RFC 1035 standards, Name must contain at least one "."',
  )
  assert.equal(
    await faults({ name: 'a_b.org', wheels: 4, internal: 'no' }),
    "Unknown field(s): 'wheels', Name does not comply with RFC 1035 standards, Name must consist of alphanumeric characters and hyphens, Internal must be a boolean",
  )
  assert.equal(
    await faults({ name: `${'a'.repeat(64)}.org` }),
    'Name does not comply with RFC 1035 standards, Name subdomains must each be at most 63 characters',
  )
  const example = { name: 'example.org' }
  assert.equal(
    await faults({ ...example, relationships: { shared_organizations: { data: [] } } }),
    'Relationships cannot contain shared_organizations without an owning organization.',
  )
  assert.equal(
    await faults({ ...example, relationships: {} }),
    "Relationships 'relationships' must include one or more valid relationships",
  )
  assert.equal(
    await faults({ ...example, relationships: { organization: 'acme' } }),
    'Relationships Organization must be structured like this: "organization: {"data": {"guid": "valid-guid"}}"',
  )
  assert.equal(
    await faults({ ...example, internal: true, router_group: { guid: 'g' }, ...ownedBy('o') }),
    'Cannot associate an internal domain with an organization, Internal domains cannot be associated to a router group., Domains scoped to an organization cannot be associated to a router group.',
  )
  assert.equal(await faults({ ...example, router_group: { guid: 4 } }), 'Router group guid must be a string')
  assert.equal(await faults({ ...example, router_group: 'tcp' }), 'Router group must be an object')
})

test('a TCP domain is refused as CC does without a routing API', async (t) => {
  const { admin } = await testController(t)
  const { status, body } = await admin.post('/v3/domains', { name: 'tcp.example.org', router_group: { guid: 'g' } })
  assert.equal(status, 503)
  assert.deepEqual(body.errors, [
    { code: 10015, title: 'CF-ServiceUnavailable', detail: 'The Routing API is disabled.' },
  ])
})

test('a name that is taken, reserved, or belongs to others is refused', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const [owner, other] = [await organization(controller, 'acme'), await organization(controller, 'other')]
  const create = async (name: string, owning?: string) => {
    const answer = await admin.post('/v3/domains', { name, ...(owning && ownedBy(owning)) })
    return answer.status === 201 ? 'created' : detail(answer)
  }
  assert.equal(await create('acme.org', owner), 'created')
  assert.equal(await create('ACME.org'), 'The domain name "ACME.org" is already in use')
  assert.equal(await create('deep.below.acme.org', owner), 'created')
  assert.equal(
    await create('x.acme.org', other),
    'The domain name "x.acme.org" cannot be created because "acme.org" is already reserved by another domain',
  )
  assert.equal(
    await create('x.acme.org'),
    'The domain name "x.acme.org" cannot be created because "acme.org" is already reserved by another domain',
  )
  assert.equal(await create('shared.example.com'), 'created')
  assert.equal(
    await create('example.com', other),
    'The domain name "example.com" cannot be created because "shared.example.com" is already reserved by another domain',
  )
  assert.equal(
    await create('co.uk', owner),
    'The "co.uk" domain is reserved and cannot be used for org-scoped domains.',
  )
  const space = await spaceIn(controller, owner)
  const domain = (await admin.get('/v3/domains?names=shared.example.com')).body.resources[0].guid
  const relationships = { space: { data: { guid: space } }, domain: { data: { guid: domain } } }
  assert.equal((await admin.post('/v3/routes', { host: 'www', relationships })).status, 201)
  assert.equal(
    await create('a.www.shared.example.com', other),
    'The domain name "a.www.shared.example.com" cannot be created because "www.shared.example.com" is already reserved by a route',
  )
})

test('POST /v3/domains: shared ones are for admins, private ones for managers of the organization', async (t) => {
  const controller = await testController(t)
  const guid = await organization(controller, 'acme')
  const space = await spaceIn(controller, guid)
  let number = 0
  const statuses = async (client: { post: TestController['admin']['post'] }) => [
    (await client.post('/v3/domains', { name: `shared-${++number}.example.org` })).status,
    (await client.post('/v3/domains', { name: `private-${++number}.example.org`, ...ownedBy(guid) })).status,
  ]
  const { withRole, as } = controller
  assert.deepEqual(await statuses(controller.admin), [201, 201])
  assert.deepEqual(await statuses(await withRole({ type: 'organization_manager', organization: guid })), [403, 201])
  for (const type of ['organization_auditor', 'organization_billing_manager', 'organization_user'] as const)
    assert.deepEqual(await statuses(await withRole({ type, organization: guid })), [403, 403], type)
  for (const type of ['space_manager', 'space_developer', 'space_supporter', 'space_auditor'] as const)
    assert.deepEqual(await statuses(await withRole({ type, space })), [403, 403], type)
  for (const scopes of [globalScopes.adminReadOnly, globalScopes.globalAuditor])
    assert.deepEqual(await statuses(await as({ scopes: [...scopes] })), [403, 403])
  assert.deepEqual(await statuses(controller.anonymous), [401, 401])
})

test('the flag private_domain_creation and a suspended organization keep managers from private domains', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const guid = await organization(controller, 'acme')
  const manager = await controller.withRole({ type: 'organization_manager', organization: guid })
  await db
    .insertInto('feature_flags')
    .values({ name: 'private_domain_creation', enabled: 0, custom_error_message: null, updated_at: '' })
    .execute()
  const refused = await manager.post('/v3/domains', { name: 'acme.org', ...ownedBy(guid) })
  assert.equal(refused.status, 403)
  assert.equal(detail(refused), 'Feature Disabled: private_domain_creation')
  assert.equal((await admin.post('/v3/domains', { name: 'acme.org', ...ownedBy(guid) })).status, 201)
  await admin.patch(`/v3/organizations/${guid}`, { suspended: true })
  const suspended = await manager.post('/v3/domains', { name: 'two.acme.org', ...ownedBy(guid) })
  assert.equal(suspended.body.errors[0].title, 'CF-OrgSuspended')
  const missing = await manager.post('/v3/domains', { name: 'x.org', ...ownedBy('nowhere') })
  assert.equal(detail(missing), "Organization with guid 'nowhere' does not exist or you do not have access to it.")
})

test('who sees a private domain: readers of the organization’s routes, not bare users and billing managers', async (t) => {
  const controller = await testController(t)
  const { admin, withRole, as } = controller
  const [guid, other] = [await organization(controller, 'acme'), await organization(controller, 'other')]
  const [space, otherSpace] = [await spaceIn(controller, guid), await spaceIn(controller, other)]
  const domain = (await admin.post('/v3/domains', { name: 'acme.org', ...ownedBy(guid, [other]) })).body.guid
  const seen = async (client: TestController['admin']) => [
    (await client.get(`/v3/domains/${domain}`)).status,
    (await client.get('/v3/domains')).body.pagination.total_results,
  ]
  for (const type of ['organization_manager', 'organization_auditor'] as const)
    assert.deepEqual(await seen(await withRole({ type, organization: guid })), [200, 2], type)
  for (const type of ['organization_billing_manager', 'organization_user'] as const)
    assert.deepEqual(await seen(await withRole({ type, organization: guid })), [404, 1], type)
  for (const type of ['space_manager', 'space_developer', 'space_supporter', 'space_auditor'] as const)
    assert.deepEqual(await seen(await withRole({ type, space })), [200, 2], type)
  assert.deepEqual(await seen(await withRole({ type: 'space_auditor', space: otherSpace })), [200, 2])
  for (const scopes of [globalScopes.adminReadOnly, globalScopes.globalAuditor])
    assert.deepEqual(await seen(await as({ scopes: [...scopes] })), [200, 2])
  assert.deepEqual(await seen(await as()), [404, 1])
  assert.equal((await controller.anonymous.get('/v3/domains')).status, 401)

  const developer = await withRole({ type: 'space_developer', space: otherSpace })
  assert.deepEqual((await developer.get(`/v3/domains/${domain}`)).body.relationships.shared_organizations, {
    data: [{ guid: other }],
  })
  const ownDeveloper = await withRole({ type: 'space_developer', space })
  assert.deepEqual(
    (await ownDeveloper.get(`/v3/domains/${domain}`)).body.relationships.shared_organizations,
    { data: [] },
    'organizations that the caller does not see are left out',
  )
})

test('GET /v3/domains filters by name, organization and label, and refuses the unknown', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const guid = await organization(controller, 'acme')
  await admin.post('/v3/domains', { name: 'acme.org', ...ownedBy(guid), metadata: { labels: { tier: 'gold' } } })
  const names = async (query: string) =>
    (await admin.get(`/v3/domains?${query}`)).body.resources.map(({ name }: { name: string }) => name)
  assert.deepEqual(await names(''), ['apps.localhost', 'acme.org'])
  assert.deepEqual(await names('names=ACME.org'), ['acme.org'])
  assert.deepEqual(await names(`organization_guids=${guid}`), ['acme.org'])
  assert.deepEqual(await names('label_selector=tier%3Dgold'), ['acme.org'])
  const refused = await admin.get('/v3/domains?order_by=name&hosts=x')
  assert.equal(refused.status, 400)
  assert.match(detail(refused) ?? '', /Unknown query parameter\(s\): 'hosts'/)
})

test('PATCH and DELETE are for managers of the owner; a job removes domain, routes and destinations', async (t) => {
  const controller = await testController(t)
  const { admin, db, withRole } = controller
  const guid = await organization(controller, 'acme')
  const space = await spaceIn(controller, guid)
  const domain = (await admin.post('/v3/domains', { name: 'acme.org', ...ownedBy(guid) })).body.guid
  const path = `/v3/domains/${domain}`
  const developer = await withRole({ type: 'space_developer', space })
  const manager = await withRole({ type: 'organization_manager', organization: guid })
  assert.equal((await developer.patch(path, { metadata: { labels: { a: 'b' } } })).status, 403)
  assert.equal((await developer.delete(path)).status, 403)
  const unknown = await developer.patch(path, { name: 'x.org' })
  assert.equal(detail(unknown), "Unknown field(s): 'name'")
  const patched = await manager.patch(path, { metadata: { labels: { a: 'b' } } })
  assert.deepEqual(patched.body.metadata.labels, { a: 'b' })
  const shared = (await admin.get('/v3/domains?names=apps.localhost')).body.resources[0].guid
  assert.equal((await manager.patch(`/v3/domains/${shared}`, {})).status, 403)

  const relationships = { space: { data: { guid: space } }, domain: { data: { guid: domain } } }
  const route = (await admin.post('/v3/routes', { relationships })).body.guid
  const app = (await admin.post('/v3/apps', { name: 'a', relationships: { space: { data: { guid: space } } } })).body
  await admin.post(`/v3/routes/${route}/destinations`, { destinations: [{ app: { guid: app.guid } }] })
  await db.updateTable('processes').set({ state: 'STARTED' }).where('app_guid', '=', app.guid).execute()
  const deleted = await manager.delete(path)
  assert.equal(deleted.status, 202)
  controller.bus.calls.length = 0
  await controller.runJobs()
  const job = await manager.get(new URL(deleted.headers.get('location') ?? '').pathname)
  assert.deepEqual([job.body.operation, job.body.state], ['domain.delete', 'COMPLETE'])
  assert.equal((await admin.get(path)).status, 404)
  assert.equal((await admin.get(`/v3/routes/${route}`)).status, 404)
  const updates = controller.bus.calls.filter(({ name }) => name === 'dea.update')
  assert.deepEqual(
    updates.map(({ values }) => (values[0] as { uris: string[] }).uris),
    [[]],
  )
})

test('sharing with another organization, and taking back', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const [owner, other] = [await organization(controller, 'acme'), await organization(controller, 'other')]
  const domain = (await admin.post('/v3/domains', { name: 'acme.org', ...ownedBy(owner) })).body.guid
  const path = `/v3/domains/${domain}/relationships/shared_organizations`
  const share = (guid: unknown, by = admin) => by.post(path, { data: [{ guid }] })
  assert.equal(
    detail(await share(4)),
    'Data must have the structure "data": [{"guid": shared_org_guid_1}, {"guid": shared_org_guid_2}]',
  )
  assert.equal(
    detail(await share('nowhere')),
    "Organization with guid 'nowhere' does not exist, or you do not have access to it.",
  )
  assert.equal(detail(await share(owner)), 'Domain cannot be shared with owning organization.')
  const manager = await controller.withRole({ type: 'organization_manager', organization: owner })
  assert.equal(
    detail(await share(other, manager)),
    `Organization with guid '${other}' either does not exist, or you do not have access to it.`,
  )
  const shared = await share(other)
  assert.deepEqual([shared.status, shared.body], [200, { data: [{ guid: other }] }])
  assert.equal((await share(other)).status, 200, 'sharing again changes nothing')
  assert.equal(
    detail(await admin.delete(`/v3/domains/${domain}`)),
    'This domain is shared with other organizations. Unshare before deleting.',
  )
  const everybodys = (await admin.get('/v3/domains?names=apps.localhost')).body.resources[0].guid
  assert.equal(
    detail(
      await admin.post(`/v3/domains/${everybodys}/relationships/shared_organizations`, { data: [{ guid: other }] }),
    ),
    'Domains cannot be shared with other organizations unless they are scoped to an organization.',
  )

  const space = await spaceIn(controller, other)
  const relationships = { space: { data: { guid: space } }, domain: { data: { guid: domain } } }
  const route = (await admin.post('/v3/routes', { host: 'www', relationships })).body.guid
  assert.equal(
    detail(await admin.delete(`${path}/${other}`)),
    'This domain has associated routes in this organization. Delete the routes before unsharing.',
  )
  await admin.delete(`/v3/routes/${route}`)
  await controller.runJobs()
  const stranger = await controller.withRole({ type: 'space_developer', space })
  assert.equal((await stranger.delete(`${path}/${other}`)).status, 403)
  const otherManager = await controller.withRole({ type: 'organization_manager', organization: other })
  assert.equal((await otherManager.delete(`${path}/${other}`)).status, 204)
  assert.equal(
    detail(await admin.delete(`${path}/${other}`)),
    "Unable to unshare domain from organization with name 'other'. Ensure the domain is shared to this organization.",
  )
})

test('GET /v3/domains/:guid/route_reservations tells whether a route is taken, in whatever space', async (t) => {
  const controller = await testController(t)
  const { admin, as } = controller
  const space = await spaceIn(controller, await organization(controller, 'acme'))
  const domain = (await admin.get('/v3/domains?names=apps.localhost')).body.resources[0].guid
  const relationships = { space: { data: { guid: space } }, domain: { data: { guid: domain } } }
  await admin.post('/v3/routes', { host: 'www', path: '/a', relationships })
  const stranger = await as()
  const isTaken = async (query: string) => {
    const { status, body } = await stranger.get(`/v3/domains/${domain}/route_reservations?${query}`)
    assert.equal(status, 200)
    return body
  }
  assert.deepEqual(await isTaken('host=WWW&path=/a'), { matching_route: true })
  assert.deepEqual(await isTaken('host=www&path='), { matching_route: false })
  assert.deepEqual(await isTaken('host=www&path=/a&port=1234'), { matching_route: false })
  assert.deepEqual(await isTaken(''), { matching_route: false })
})

test('an organization’s domains and its default domain', async (t) => {
  const controller = await testController(t)
  const { admin, withRole, db } = controller
  const [guid, other] = [await organization(controller, 'acme'), await organization(controller, 'other')]
  await admin.post('/v3/domains', { name: 'acme.org', ...ownedBy(guid) })
  await admin.post('/v3/domains', { name: 'other.org', ...ownedBy(other, [guid]) })
  await admin.post('/v3/domains', { name: 'alone.org', ...ownedBy(other) })
  const names = async (client: TestController['admin']) =>
    (await client.get(`/v3/organizations/${guid}/domains`)).body.resources?.map(({ name }: { name: string }) => name)
  assert.deepEqual(await names(admin), ['apps.localhost', 'acme.org', 'other.org'])
  const auditor = await withRole({ type: 'organization_auditor', organization: guid })
  const user = await withRole({ type: 'organization_user', organization: guid })
  assert.deepEqual(await names(auditor), ['apps.localhost', 'acme.org', 'other.org'])
  assert.deepEqual(await names(user), ['apps.localhost'])
  assert.equal((await (await controller.as()).get(`/v3/organizations/${guid}/domains`)).status, 404)

  const defaultOf = async (client: TestController['admin']) => {
    const { status, body } = await client.get(`/v3/organizations/${guid}/domains/default`)
    return status === 200 ? body.name : body.errors[0].detail
  }
  assert.equal(await defaultOf(user), 'apps.localhost')
  await db.updateTable('domains').set({ internal: 1 }).where('name', '=', 'apps.localhost').execute()
  assert.equal(await defaultOf(auditor), 'acme.org')
  assert.equal(await defaultOf(user), 'Domain not found')
})

test('the number of SQL statements of a list does not grow with its rows', async (t) => {
  const controller = await testController(t)
  const { admin, countStatements } = controller
  const guid = await organization(controller, 'acme')
  countStatements()
  await admin.get('/v3/domains')
  const one = countStatements()
  for (let number = 0; number < 10; number++)
    await admin.post('/v3/domains', { name: `${number}.example.org`, ...ownedBy(guid) })
  countStatements()
  await admin.get('/v3/domains')
  assert.equal(countStatements(), one)
})

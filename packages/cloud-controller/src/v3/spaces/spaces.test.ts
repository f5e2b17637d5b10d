import assert from 'node:assert/strict'
import { test } from 'node:test'
import { globalScopes, testController } from '../../testing/test-controller.ts'

const named = (body: { resources: Array<{ name: string }> }): string[] => body.resources.map(({ name }) => name)
const inOrganization = (guid: string) => ({ relationships: { organization: { data: { guid } } } })

test('POST /v3/spaces answers 201 with the whole space', async (t) => {
  const { admin } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { status, body } = await admin.post('/v3/spaces', {
    name: 'dev',
    ...inOrganization(org.guid),
    metadata: { labels: { tier: 'gold' } },
  })
  assert.equal(status, 201)
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'dev',
    suspended: false,
    relationships: { organization: { data: { guid: org.guid } }, quota: { data: null } },
    metadata: { labels: { tier: 'gold' }, annotations: {} },
    links: {
      self: { href: `http://api.example.org/v3/spaces/${body.guid}` },
      organization: { href: `http://api.example.org/v3/organizations/${org.guid}` },
      features: { href: `http://api.example.org/v3/spaces/${body.guid}/features` },
      apply_manifest: {
        href: `http://api.example.org/v3/spaces/${body.guid}/actions/apply_manifest`,
        method: 'POST',
      },
    },
  })
  assert.deepEqual((await admin.get(`/v3/spaces/${body.guid}`)).body, body)
})

test('a bad space is refused with the words that clients match on', async (t) => {
  const { admin, as } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const detail = async (body: unknown): Promise<string> => {
    const answer = await admin.post('/v3/spaces', body)
    assert.equal(answer.status, 422)
    return answer.body.errors[0].detail
  }
  await admin.post('/v3/spaces', { name: 'dev', ...inOrganization(org.guid) })
  assert.equal(
    await detail({ name: 'Dev', ...inOrganization(org.guid) }),
    'Name must be unique per organization',
    'whatever the letter case',
  )
  assert.equal(
    await detail({ wheels: 4, suspended: 'x' }),
    "Unknown field(s): 'wheels', Name can't be blank, Suspended must be a boolean, Relationships 'relationships' is not an object",
  )
  assert.equal(
    await detail({ name: 'a', relationships: {} }),
    "Relationships 'relationships' must include one or more valid relationships",
  )
  assert.equal(
    await detail({ name: 'a', relationships: { organization: null } }),
    `Relationships Organization can't be blank, Relationships Organization must be structured like this: "organization: {"data": {"guid": "valid-guid"}}"`,
  )
  assert.equal(
    await detail({ name: '', relationships: { organization: { data: { guid: 5 } } } }),
    "Name can't be blank, Name must not contain escaped characters, Relationships Organization guid must be a string, Relationships Organization guid must be between 1 and 200 characters",
  )
  assert.equal(
    await detail({ name: 'a', ...inOrganization('nowhere') }),
    'Invalid organization. Ensure the organization exists and you have access to it.',
  )
  const stranger = await as()
  const refused = await stranger.post('/v3/spaces', { name: 'a', ...inOrganization(org.guid) })
  assert.equal(refused.status, 422, 'an organization that the caller does not see is no organization')

  await admin.post('/v3/spaces', { name: 'prod', ...inOrganization(org.guid) })
  const { body: list } = await admin.get('/v3/spaces?names=prod')
  const renamed = await admin.patch(`/v3/spaces/${list.resources[0].guid}`, { name: 'dev' })
  assert.equal(renamed.body.errors[0].detail, "Organization 'acme' already contains a space with name 'dev'.")
})

test('each role sees and does with a space what Cloud Foundry lets it', async (t) => {
  const controller = await testController(t)
  const { admin, as, withRole, anonymous } = controller
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', { name: 'dev', ...inOrganization(org.guid) })
  const inOrg = (type: 'organization_manager' | 'organization_auditor' | 'organization_billing_manager') =>
    withRole({ type, organization: org.guid })
  const inSpace = (type: 'space_manager' | 'space_developer' | 'space_supporter' | 'space_auditor') =>
    withRole({ type, space: space.guid })
  const roles = {
    admin: { client: admin, get: 200, patch: 200, suspend: 200, create: 201, remove: 202 },
    admin_read_only: {
      client: await as({ scopes: [...globalScopes.adminReadOnly] }),
      get: 200,
      patch: 403,
      suspend: 403,
      create: 403,
      remove: 403,
    },
    global_auditor: {
      client: await as({ scopes: [...globalScopes.globalAuditor] }),
      get: 200,
      patch: 403,
      suspend: 403,
      create: 403,
      remove: 403,
    },
    org_manager: {
      client: await inOrg('organization_manager'),
      get: 200,
      patch: 200,
      suspend: 200,
      create: 201,
      remove: 202,
    },
    org_auditor: {
      client: await inOrg('organization_auditor'),
      get: 404,
      patch: 404,
      suspend: 404,
      create: 403,
      remove: 404,
    },
    org_billing_manager: {
      client: await inOrg('organization_billing_manager'),
      get: 404,
      patch: 404,
      suspend: 404,
      create: 403,
      remove: 404,
    },
    org_user: {
      client: await withRole({ type: 'organization_user', organization: org.guid }),
      get: 404,
      patch: 404,
      suspend: 404,
      create: 403,
      remove: 404,
    },
    space_manager: {
      client: await inSpace('space_manager'),
      get: 200,
      patch: 200,
      suspend: 403,
      create: 403,
      remove: 403,
    },
    space_developer: {
      client: await inSpace('space_developer'),
      get: 200,
      patch: 403,
      suspend: 403,
      create: 403,
      remove: 403,
    },
    space_supporter: {
      client: await inSpace('space_supporter'),
      get: 200,
      patch: 403,
      suspend: 403,
      create: 403,
      remove: 403,
    },
    space_auditor: {
      client: await inSpace('space_auditor'),
      get: 200,
      patch: 403,
      suspend: 403,
      create: 403,
      remove: 403,
    },
    no_role: { client: await as(), get: 404, patch: 404, suspend: 404, create: 422, remove: 404 },
    unauthenticated: { client: anonymous, get: 401, patch: 401, suspend: 401, create: 401, remove: 401 },
  }
  for (const [name, { client, ...expected }] of Object.entries(roles)) {
    const { body: doomed } = await admin.post('/v3/spaces', { name: `doomed-${name}`, ...inOrganization(org.guid) })
    // Roles in the space `dev` are none in this one: it is deleted by those who may delete `dev`.
    const removeTarget = expected.remove === 202 || expected.remove === 401 ? doomed.guid : space.guid
    const seen = {
      get: (await client.get(`/v3/spaces/${space.guid}`)).status,
      patch: (await client.patch(`/v3/spaces/${space.guid}`, { metadata: { labels: { by: name } } })).status,
      suspend: (await client.patch(`/v3/spaces/${space.guid}`, { suspended: false })).status,
      create: (await client.post('/v3/spaces', { name: `by-${name}`, ...inOrganization(org.guid) })).status,
      remove: (await client.delete(`/v3/spaces/${removeTarget}`)).status,
    }
    assert.deepEqual(seen, expected, name)
    const listed = await client.get('/v3/spaces?names=dev')
    if (name !== 'unauthenticated') assert.equal(listed.body.resources.length, expected.get === 200 ? 1 : 0, name)
  }
})

test('GET /v3/spaces filters, orders and includes each organization once', async (t) => {
  const { admin, countStatements } = await testController(t)
  const { body: acme } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: other } = await admin.post('/v3/organizations', { name: 'other' })
  for (const name of ['b', 'a', 'c']) await admin.post('/v3/spaces', { name, ...inOrganization(acme.guid) })
  await admin.post('/v3/spaces', { name: 'a', ...inOrganization(other.guid) })

  const { body } = await admin.get(
    `/v3/spaces?organization_guids=${acme.guid}&order_by=-name&include=organization&per_page=2`,
  )
  assert.deepEqual(named(body), ['c', 'b'])
  assert.deepEqual(body.included, { organizations: [acme] })
  assert.equal((await admin.get('/v3/spaces?names=a')).body.pagination.total_results, 2)
  const one = await admin.get(`/v3/spaces/${body.resources[0].guid}?include=org`)
  assert.deepEqual(one.body.included, { organizations: [acme] })
  const refused = await admin.get('/v3/spaces?include=apps')
  assert.equal(
    refused.body.errors[0].detail,
    "The query parameter is invalid: Invalid included resource: 'apps'. Valid included resources are: 'org', 'organization'",
  )
  countStatements()
  await admin.get('/v3/spaces?per_page=1&include=organization')
  const few = countStatements()
  await admin.get('/v3/spaces?include=organization')
  assert.equal(countStatements(), few)
})

test('the space of a suspended organization is written by admins alone, a suspended space by managers of its organization', async (t) => {
  const { admin, withRole } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', { name: 'dev', ...inOrganization(org.guid) })
  const orgManager = await withRole({ type: 'organization_manager', organization: org.guid })
  const spaceManager = await withRole({ type: 'space_manager', space: space.guid })
  const rename = { name: 'dev' }

  await orgManager.patch(`/v3/spaces/${space.guid}`, { suspended: true })
  const suspended = await spaceManager.patch(`/v3/spaces/${space.guid}`, rename)
  assert.equal(suspended.status, 403)
  assert.equal(suspended.body.errors[0].title, 'CF-SpaceSuspended')
  assert.equal((await orgManager.patch(`/v3/spaces/${space.guid}`, rename)).status, 200)

  await admin.patch(`/v3/organizations/${org.guid}`, { suspended: true })
  for (const client of [orgManager, spaceManager])
    assert.equal((await client.patch(`/v3/spaces/${space.guid}`, rename)).body.errors[0].title, 'CF-OrgSuspended')
  assert.equal(
    (await orgManager.post('/v3/spaces', { name: 'x', ...inOrganization(org.guid) })).body.errors[0].title,
    'CF-OrgSuspended',
  )
  assert.equal((await admin.patch(`/v3/spaces/${space.guid}`, rename)).status, 200)
})

test('ssh is the one feature of a space', async (t) => {
  const { admin, withRole } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', { name: 'dev', ...inOrganization(org.guid) })
  const ssh = { name: 'ssh', description: 'Enable SSHing into apps in the space.', enabled: true }
  const path = `/v3/spaces/${space.guid}/features`
  assert.deepEqual((await admin.get(path)).body, { resources: [ssh] })
  assert.deepEqual((await admin.get(`${path}/ssh`)).body, ssh)
  assert.equal((await admin.get(`${path}/telnet`)).body.errors[0].detail, 'Feature not found')

  const developer = await withRole({ type: 'space_developer', space: space.guid })
  assert.equal((await developer.patch(`${path}/ssh`, { enabled: false })).status, 403)
  assert.equal((await developer.patch(`${path}/ssh`, {})).body.errors[0].detail, 'Enabled must be a boolean')
  const manager = await withRole({ type: 'space_manager', space: space.guid })
  assert.deepEqual((await manager.patch(`${path}/ssh`, { enabled: false })).body, { ...ssh, enabled: false })
  assert.deepEqual((await admin.get(`${path}/ssh`)).body, { ...ssh, enabled: false })
})

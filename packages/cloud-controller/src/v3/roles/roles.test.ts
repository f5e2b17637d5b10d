import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { apiError } from '../../errors/api-error.ts'
import { globalScopes, testController } from '../../testing/test-controller.ts'

const guid = (id: string) => ({ data: { guid: id } })
const orgRole = (type: string, user: object, organization: string) => ({
  type,
  relationships: { user: { data: user }, organization: guid(organization) },
})
const spaceRole = (type: string, user: object, space: string) => ({
  type,
  relationships: { user: { data: user }, space: guid(space) },
})

async function withSpace(t: TestContext) {
  const controller = await testController(t)
  const { admin, uaaUsers } = controller
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', {
    name: 'dev',
    relationships: { organization: guid(org.guid) },
  })
  uaaUsers.push({ guid: 'sue-guid', username: 'sue', origin: 'uaa' })
  const detail = async (role: unknown) => {
    const { status, body } = await admin.post('/v3/roles', role)
    assert.equal(status, 422)
    return body.errors[0].detail
  }
  return { ...controller, org, space, detail }
}

test('POST /v3/roles answers 201 with the whole role, of an organization and of a space', async (t) => {
  const { admin, org, space } = await withSpace(t)
  const { status, body } = await admin.post('/v3/roles', orgRole('organization_user', { username: 'sue' }, org.guid))
  assert.equal(status, 201)
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    type: 'organization_user',
    relationships: { user: guid('sue-guid'), organization: guid(org.guid), space: { data: null } },
    links: {
      self: { href: `http://api.example.org/v3/roles/${body.guid}` },
      user: { href: 'http://api.example.org/v3/users/sue-guid' },
      organization: { href: `http://api.example.org/v3/organizations/${org.guid}` },
    },
  })
  const { body: developer } = await admin.post(
    '/v3/roles',
    spaceRole('space_developer', { guid: 'sue-guid' }, space.guid),
  )
  assert.deepEqual(developer.relationships, {
    user: guid('sue-guid'),
    organization: { data: null },
    space: guid(space.guid),
  })
  assert.deepEqual(developer.links.space, { href: `http://api.example.org/v3/spaces/${space.guid}` })
  assert.equal(developer.links.organization, undefined)
  assert.deepEqual((await admin.get(`/v3/roles/${developer.guid}`)).body, developer)
})

test('a role that the user has is refused with the words that clients match on', async (t) => {
  const { admin, org, space, detail } = await withSpace(t)
  const manager = orgRole('organization_manager', { username: 'sue', origin: 'uaa' }, org.guid)
  const auditor = spaceRole('space_auditor', { username: 'sue' }, space.guid)
  await admin.post('/v3/roles', manager)
  await admin.post('/v3/roles', auditor)
  assert.equal(await detail(manager), "User 'sue' already has 'organization_manager' role in organization 'acme'.")
  assert.equal(await detail(auditor), "User 'sue' already has 'space_auditor' role in space 'dev'.")
  await admin.post('/v3/roles', orgRole('organization_user', { guid: 'client' }, org.guid))
  assert.equal(
    await detail(orgRole('organization_user', { guid: 'client' }, org.guid)),
    "User 'client' already has 'organization_user' role in organization 'acme'.",
  )
})

test('who is in no organization gets no role in its spaces', async (t) => {
  const { space, detail } = await withSpace(t)
  const words = "Users cannot be assigned roles in a space if they do not have a role in that space's organization."
  assert.equal(await detail(spaceRole('space_developer', { username: 'sue' }, space.guid)), words)
  assert.equal(await detail(spaceRole('space_developer', { username: 'nobody' }, space.guid)), words)
  assert.equal(await detail(spaceRole('space_developer', { guid: 'nobody' }, space.guid)), words)
})

test('a user is named by guid or by a name that UAA knows once', async (t) => {
  const { admin, uaaUsers, org, detail } = await withSpace(t)
  uaaUsers.push({ guid: 'other-sue', username: 'sue', origin: 'ldap' })
  assert.equal(
    await detail(orgRole('organization_user', { username: 'sue' }, org.guid)),
    "Ambiguous user. User with username 'sue' exists in the following origins: ldap, uaa. Specify an origin to disambiguate.",
  )
  const { body } = await admin.post(
    '/v3/roles',
    orgRole('organization_user', { username: 'sue', origin: 'ldap' }, org.guid),
  )
  assert.equal(body.relationships.user.data.guid, 'other-sue')
  assert.equal(
    await detail(orgRole('organization_user', { username: 'bob' }, org.guid)),
    "No user exists with the username 'bob'.",
  )
  assert.equal(
    await detail(orgRole('organization_user', { username: 'bob', origin: 'uaa' }, org.guid)),
    "No user exists with the username 'bob' and origin 'uaa'.",
  )
  // An unknown guid is a user that has not called yet.
  assert.equal((await admin.post('/v3/roles', orgRole('organization_user', { guid: 'new' }, org.guid))).status, 201)
  assert.equal((await admin.get('/v3/users/new')).status, 200)
})

test('a role that does not fit together is refused with every fault', async (t) => {
  const { org, space, detail } = await withSpace(t)
  assert.equal(
    await detail({}),
    'Relationships \'relationships\' is not an object, Type must be one of the allowed types ["organization_auditor", "organization_manager", "organization_billing_manager", "organization_user", "space_auditor", "space_manager", "space_developer", "space_supporter"]',
  )
  const user = { user: guid('x') }
  assert.equal(
    await detail({ type: 'space_auditor', relationships: { organization: guid(org.guid) } }),
    "Relationships User can't be blank, Relationships User must have a username or guid specified, Relationships Organization cannot be provided with the space role type: 'space_auditor'.",
  )
  assert.equal(
    await detail({ type: 'organization_user', relationships: { ...user, space: guid(space.guid) } }),
    "Relationships Space cannot be provided with the organization role type: 'organization_user'.",
  )
  assert.equal(
    await detail({ type: 'organization_user', relationships: user }),
    'Relationships must specify either a space or an organization.',
  )
  assert.equal(
    await detail({
      type: 'space_auditor',
      relationships: { ...user, space: guid(space.guid), organization: guid(org.guid) },
    }),
    "Relationships Organization cannot be provided with the space role type: 'space_auditor'., Relationships cannot specify both an organization and a space.",
  )
  assert.equal(
    await detail(orgRole('organization_user', { guid: 'x', username: 'y', origin: 'uaa' }, org.guid)),
    'Relationships Username cannot be specified when identifying user by guid, Relationships User origin cannot be specified when identifying user by guid',
  )
  assert.equal(
    await detail(orgRole('organization_user', { origin: 'uaa' }, org.guid)),
    'Relationships User origin cannot be specified without specifying the username, Relationships User must have a username or guid specified',
  )
  assert.equal(
    await detail(orgRole('organization_user', { guid: 'x' }, 'nowhere')),
    'Invalid organization. Ensure that the organization exists and you have access to it.',
  )
  assert.equal(
    await detail(spaceRole('space_auditor', { guid: 'x' }, 'nowhere')),
    'Invalid space. Ensure that the space exists and you have access to it.',
  )
})

test('roles are given and taken by admins, managers of the organization, and managers of the space', async (t) => {
  const { admin, as, withRole, anonymous, org, space } = await withSpace(t)
  const inOrg = (type: 'organization_manager' | 'organization_auditor' | 'organization_billing_manager') =>
    withRole({ type, organization: org.guid })
  const inSpace = (type: 'space_manager' | 'space_developer' | 'space_supporter' | 'space_auditor') =>
    withRole({ type, space: space.guid })
  const roles = {
    admin: { client: admin, org: 201, space: 201, get: 200, remove: 202 },
    admin_read_only: {
      client: await as({ scopes: [...globalScopes.adminReadOnly] }),
      org: 403,
      space: 403,
      get: 200,
      remove: 403,
    },
    global_auditor: {
      client: await as({ scopes: [...globalScopes.globalAuditor] }),
      org: 403,
      space: 403,
      get: 200,
      remove: 403,
    },
    org_manager: { client: await inOrg('organization_manager'), org: 201, space: 201, get: 200, remove: 202 },
    org_auditor: { client: await inOrg('organization_auditor'), org: 403, space: 403, get: 404, remove: 404 },
    org_billing_manager: {
      client: await inOrg('organization_billing_manager'),
      org: 403,
      space: 403,
      get: 404,
      remove: 404,
    },
    org_user: {
      client: await withRole({ type: 'organization_user', organization: org.guid }),
      org: 403,
      space: 403,
      get: 404,
      remove: 404,
    },
    space_manager: { client: await inSpace('space_manager'), org: 403, space: 201, get: 200, remove: 202 },
    space_developer: { client: await inSpace('space_developer'), org: 403, space: 403, get: 200, remove: 403 },
    space_supporter: { client: await inSpace('space_supporter'), org: 403, space: 403, get: 200, remove: 403 },
    space_auditor: { client: await inSpace('space_auditor'), org: 403, space: 403, get: 200, remove: 403 },
    no_role: { client: await as(), org: 403, space: 403, get: 404, remove: 404 },
    unauthenticated: { client: anonymous, org: 401, space: 401, get: 401, remove: 401 },
  }
  for (const [name, { client, ...expected }] of Object.entries(roles)) {
    const user = { guid: `user-of-${name}` }
    await admin.post('/v3/roles', orgRole('organization_user', user, org.guid))
    const { body: given } = await admin.post('/v3/roles', spaceRole('space_auditor', user, space.guid))
    const seen = {
      org: (await client.post('/v3/roles', orgRole('organization_auditor', user, org.guid))).status,
      space: (await client.post('/v3/roles', spaceRole('space_supporter', user, space.guid))).status,
      get: (await client.get(`/v3/roles/${given.guid}`)).status,
      remove: (await client.delete(`/v3/roles/${given.guid}`)).status,
    }
    assert.deepEqual(seen, expected, name)
  }
})

test('GET /v3/roles filters, includes, shows its order and answers 422 to a bad query', async (t) => {
  const { admin, org, space, countStatements } = await withSpace(t)
  // Users of the same millisecond are in the order of their guids.
  for (const role of [
    orgRole('organization_user', { username: 'sue' }, org.guid),
    orgRole('organization_manager', { guid: 'zoe' }, org.guid),
    spaceRole('space_developer', { username: 'sue' }, space.guid),
  ])
    await admin.post('/v3/roles', role)
  const types = async (query: string) =>
    (await admin.get(`/v3/roles?${query}`)).body.resources.map((role: { type: string }) => role.type)
  assert.deepEqual(await types(`organization_guids=${org.guid}`), ['organization_user', 'organization_manager'])
  assert.deepEqual(await types(`space_guids=${space.guid}`), ['space_developer'])
  assert.deepEqual(await types('user_guids=sue-guid&types=space_developer,organization_manager'), ['space_developer'])

  countStatements()
  const { body } = await admin.get('/v3/roles?include=user,organization,space&per_page=50')
  const statements = countStatements()
  assert.equal(
    body.pagination.first.href,
    'http://api.example.org/v3/roles?include=user%2Corganization%2Cspace&order_by=%2Bcreated_at&page=1&per_page=50',
  )
  assert.deepEqual(
    body.included.users.map(({ guid: id, username, presentation_name, origin }: Record<string, string>) => ({
      id,
      username,
      presentation_name,
      origin,
    })),
    [
      { id: 'sue-guid', username: 'sue', presentation_name: 'sue', origin: 'uaa' },
      { id: 'zoe', username: null, presentation_name: 'zoe', origin: null },
    ],
  )
  assert.deepEqual(
    [body.included.organizations, body.included.spaces].map((rows) => rows.map((row: { name: string }) => row.name)),
    [['acme'], ['dev']],
  )
  await admin.get('/v3/roles?include=user,organization,space&per_page=1')
  assert.equal(countStatements() <= statements, true)

  const refused = await admin.get('/v3/roles?include=app')
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [422, "Invalid included resource: 'app'. Valid included resources are: 'user', 'organization', 'space'"],
  )
  assert.equal((await admin.get(`/v3/roles/${body.resources[0].guid}?include=app`)).status, 422)
})

test('DELETE /v3/roles/:guid ends with the role gone and an event, and keeps people who work in spaces in the organization', async (t) => {
  const { admin, org, space, runJobs } = await withSpace(t)
  const { body: member } = await admin.post('/v3/roles', orgRole('organization_user', { username: 'sue' }, org.guid))
  const { body: role } = await admin.post('/v3/roles', spaceRole('space_developer', { username: 'sue' }, space.guid))
  const refused = await admin.delete(`/v3/roles/${member.guid}`)
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [422, 'Cannot delete organization_user role while user has roles in spaces in that organization.'],
  )
  const accepted = await admin.delete(`/v3/roles/${role.guid}`)
  assert.equal(accepted.status, 202)
  await runJobs()
  const job = await admin.get(new URL(accepted.headers.get('location') ?? '').pathname)
  assert.deepEqual([job.body.operation, job.body.state], ['role.delete', 'COMPLETE'])
  assert.equal((await admin.get(`/v3/roles/${role.guid}`)).body.errors[0].detail, 'Role not found')
  assert.equal((await admin.delete(`/v3/roles/${member.guid}`)).status, 202)
})

test('roles by name need the feature flag set_roles_by_username, but of an admin', async (t) => {
  const { admin, db, withRole, org } = await withSpace(t)
  await db
    .insertInto('feature_flags')
    .values({ name: 'set_roles_by_username', enabled: 0, custom_error_message: null, updated_at: '2026-01-01' })
    .execute()
  const manager = await withRole({ type: 'organization_manager', organization: org.guid })
  const byName = orgRole('organization_user', { username: 'sue' }, org.guid)
  const refused = await manager.post('/v3/roles', byName)
  assert.deepEqual([refused.status, refused.body.errors[0].code], [403, 330002])
  assert.equal((await manager.post('/v3/roles', orgRole('organization_user', { guid: 'g' }, org.guid))).status, 201)
  assert.equal((await admin.post('/v3/roles', byName)).status, 201)
})

test('without UAA roles are given by guid but not by name', async (t) => {
  const { admin, org, services } = await withSpace(t)
  const down = () => Promise.reject(apiError('UaaUnavailable'))
  Object.assign(services.userDirectory, { byGuids: down, byUsernames: down })
  const byName = await admin.post('/v3/roles', orgRole('organization_user', { username: 'sue' }, org.guid))
  assert.deepEqual([byName.status, byName.body.errors[0].code], [503, 20004])
  assert.equal((await admin.post('/v3/roles', orgRole('organization_user', { guid: 'sue' }, org.guid))).status, 201)
})

test('a role in an organization that is deleted while the request is under way is refused', async (t) => {
  const { admin, db, org, space, services } = await withSpace(t)
  const { byGuids } = services.userDirectory
  services.userDirectory.byGuids = async (guids) => {
    await db.deleteFrom('spaces').where('guid', '=', space.guid).execute()
    await db.deleteFrom('organizations').where('guid', '=', org.guid).execute()
    return byGuids(guids)
  }
  const { status, body } = await admin.post('/v3/roles', orgRole('organization_user', { username: 'sue' }, org.guid))
  assert.deepEqual(
    [status, body.errors[0].code, body.errors[0].detail],
    [422, 10008, 'Something that the request refers to has been deleted meanwhile.'],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiError } from '../../errors/api-error.ts'
import { globalScopes, testController } from '../../testing/test-controller.ts'

const guidsOf = (body: { resources: Array<{ guid: string }> }): string[] => body.resources.map(({ guid }) => guid)

test('POST /v3/users answers 201 with the name that UAA has', async (t) => {
  const { admin, uaaUsers } = await testController(t)
  uaaUsers.push({ guid: 'sue-guid', username: 'sue', origin: 'uaa' })
  const { status, body } = await admin.post('/v3/users', { guid: 'sue-guid', metadata: { labels: { team: 'a' } } })
  assert.equal(status, 201)
  assert.deepEqual(body, {
    guid: 'sue-guid',
    created_at: body.created_at,
    updated_at: body.created_at,
    username: 'sue',
    presentation_name: 'sue',
    origin: 'uaa',
    metadata: { labels: { team: 'a' }, annotations: {} },
    links: { self: { href: 'http://api.example.org/v3/users/sue-guid' } },
  })
  assert.deepEqual((await admin.get('/v3/users/sue-guid')).body, body)
  const again = await admin.post('/v3/users', { guid: 'sue-guid' })
  assert.equal(again.status, 422)
  assert.equal(again.body.errors[0].detail, "User with guid 'sue-guid' already exists.")
})

test('a user that UAA does not know, such as a client, is presented by its guid', async (t) => {
  const { admin } = await testController(t)
  const { body } = await admin.post('/v3/users', { guid: 'my client' })
  assert.deepEqual(
    { username: body.username, presentation_name: body.presentation_name, origin: body.origin },
    { username: null, presentation_name: 'my client', origin: null },
  )
  assert.equal(body.links.self.href, 'http://api.example.org/v3/users/my%20client')
})

test('a user of another identity provider is created by name, with its account in UAA if there is none', async (t) => {
  const { admin, uaaUsers } = await testController(t)
  const bob = { username: 'bob', origin: 'ldap' }
  const { status, body } = await admin.post('/v3/users', bob)
  assert.equal(status, 201)
  assert.deepEqual(uaaUsers.at(-1), { guid: body.guid, ...bob })
  assert.deepEqual({ username: body.username, origin: body.origin }, bob)
  assert.equal(
    (await admin.post('/v3/users', bob)).body.errors[0].detail,
    "User with username 'bob' and origin 'ldap' already exists.",
  )
})

test('a user that is named in no or in two ways is refused', async (t) => {
  const { admin } = await testController(t)
  const detail = async (body: unknown) => (await admin.post('/v3/users', body)).body.errors[0].detail
  assert.equal(await detail({}), "Guid or 'username' and 'origin' must be provided")
  assert.equal(await detail({ guid: 'a', username: 'b' }), "Username cannot be provided with 'guid'")
  assert.equal(await detail({ origin: 'ldap' }), "Origin can only be provided together with 'username'")
  assert.equal(await detail({ username: 'b' }), "Username can only be provided together with 'origin'")
  assert.equal(
    await detail({ username: 'b', origin: 'uaa' }),
    "Origin cannot be 'uaa' when creating a user by username",
  )
})

test('GET /v3/users filters by what UAA knows and answers 422 to a bad query', async (t) => {
  const { admin, uaaUsers } = await testController(t)
  for (const [guid, username, origin] of [
    ['1', 'sue', 'uaa'],
    ['2', 'sue', 'ldap'],
    ['3', 'susan', 'uaa'],
  ] as const) {
    uaaUsers.push({ guid, username, origin })
    await admin.post('/v3/users', { guid })
  }
  const listed = async (query: string) => guidsOf((await admin.get(`/v3/users?${query}`)).body)
  assert.deepEqual(await listed('usernames=sue'), ['1', '2'])
  assert.deepEqual(await listed('usernames=sue&origins=ldap'), ['2'])
  assert.deepEqual(await listed('partial_usernames=su&origins=uaa'), ['1', '3'])
  assert.deepEqual(await listed('usernames=nobody'), [])

  const refused = await admin.get('/v3/users?usernames=a&partial_usernames=b&page=0')
  assert.equal(refused.status, 422)
  assert.equal(
    refused.body.errors[0].detail,
    'Page must be a positive integer, Usernames filter cannot be provided with both usernames and partial_usernames filter.',
  )
  assert.equal(
    (await admin.get('/v3/users?origins=uaa')).body.errors[0].detail,
    'Origins filter cannot be provided without usernames or partial_usernames filter.',
  )
})

test('users are seen by themselves and by who shares an organization with them', async (t) => {
  const { admin, as, withRole } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const relationships = { organization: { data: { guid: org.guid } } }
  const { body: space } = await admin.post('/v3/spaces', { name: 'dev', relationships })
  const member = await withRole({ type: 'organization_user', organization: org.guid })
  const developer = await withRole({ type: 'space_developer', space: space.guid })
  const stranger = await as()
  const auditor = await as({ scopes: [...globalScopes.globalAuditor] })

  assert.deepEqual(guidsOf((await member.get('/v3/users')).body).sort(), [member.userGuid, developer.userGuid].sort())
  assert.deepEqual(guidsOf((await stranger.get('/v3/users')).body), [stranger.userGuid])
  assert.equal((await auditor.get('/v3/users')).body.pagination.total_results, 5)
  assert.equal((await stranger.get(`/v3/users/${member.userGuid}`)).status, 404)
  assert.equal((await developer.get(`/v3/users/${member.userGuid}`)).status, 200)

  assert.equal((await member.post('/v3/users', { guid: 'x' })).status, 403)
  assert.equal((await developer.patch(`/v3/users/${member.userGuid}`, {})).status, 403)
  assert.equal((await developer.delete(`/v3/users/${member.userGuid}`)).status, 403)
  assert.equal((await stranger.delete(`/v3/users/${member.userGuid}`)).status, 404)

  assert.deepEqual(
    guidsOf((await member.get(`/v3/organizations/${org.guid}/users`)).body).sort(),
    [member.userGuid, developer.userGuid].sort(),
  )
  assert.deepEqual(guidsOf((await developer.get(`/v3/spaces/${space.guid}/users`)).body), [developer.userGuid])
  assert.equal((await member.get(`/v3/spaces/${space.guid}/users`)).status, 404)
  assert.equal((await admin.get(`/v3/spaces/${space.guid}/users?origins=uaa`)).status, 400)
})

test('PATCH /v3/users/:guid changes metadata alone', async (t) => {
  const { admin } = await testController(t)
  await admin.post('/v3/users', { guid: 'sue' })
  const { body } = await admin.patch('/v3/users/sue', { metadata: { annotations: { note: 'hi' } } })
  assert.deepEqual(body.metadata, { labels: {}, annotations: { note: 'hi' } })
  assert.equal((await admin.patch('/v3/users/sue', { guid: 'x' })).body.errors[0].detail, "Unknown field(s): 'guid'")
})

test('DELETE /v3/users/:guid removes the user and its roles with a job', async (t) => {
  const { admin, db, withRole, runJobs } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { userGuid } = await withRole({ type: 'organization_manager', organization: org.guid })
  const accepted = await admin.delete(`/v3/users/${userGuid}`)
  assert.equal(accepted.status, 202)
  await runJobs()
  const job = await admin.get(new URL(accepted.headers.get('location') ?? '').pathname)
  assert.deepEqual([job.body.operation, job.body.state], ['user.delete', 'COMPLETE'])
  assert.equal((await admin.get(`/v3/users/${userGuid}`)).body.errors[0].detail, 'User not found')
  assert.deepEqual(await db.selectFrom('roles').selectAll().where('user_guid', '=', userGuid).execute(), [])
})

test('who was deleted but still has a token makes organizations as before', async (t) => {
  const { admin, as, runJobs } = await testController(t)
  const user = await as()
  await admin.patch('/v3/feature_flags/user_org_creation', { enabled: true })
  await user.get('/v3/organizations')
  await admin.delete(`/v3/users/${user.userGuid}`)
  await runJobs()
  const { status, body } = await user.post('/v3/organizations', { name: 'mine' })
  assert.equal(status, 201)
  assert.equal((await user.patch(`/v3/organizations/${body.guid}`, { name: 'ours' })).status, 200)
})

test('lists of users answer 503 while UAA is down', async (t) => {
  const { admin, services } = await testController(t)
  Object.assign(services.userDirectory, { byGuids: () => Promise.reject(apiError('UaaUnavailable')) })
  const { status, body } = await admin.get('/v3/users')
  assert.deepEqual([status, body.errors[0].code], [503, 20004])
})

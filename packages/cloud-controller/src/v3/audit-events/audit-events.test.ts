import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { globalScopes, testController } from '../../testing/test-controller.ts'

const guid = (id: string) => ({ data: { guid: id } })
const types = (body: { resources: Array<{ type: string }> }): string[] => body.resources.map(({ type }) => type)

async function withSpace(t: TestContext) {
  const controller = await testController(t)
  const { admin } = controller
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', {
    name: 'dev',
    relationships: { organization: guid(org.guid) },
  })
  return { ...controller, org, space }
}

test('GET /v3/audit_events tells who did what to what, and where', async (t) => {
  const { admin, org, space } = await withSpace(t)
  const { body } = await admin.get('/v3/audit_events?types=audit.space.create')
  const [event] = body.resources
  assert.deepEqual(event, {
    guid: event.guid,
    created_at: event.created_at,
    updated_at: event.created_at,
    type: 'audit.space.create',
    actor: { guid: admin.userGuid, type: 'user', name: 'admin@example.org' },
    target: { guid: space.guid, type: 'space', name: 'dev' },
    data: { request: { name: 'dev', relationships: { organization: guid(org.guid) } } },
    space: { guid: space.guid },
    organization: { guid: org.guid },
    links: { self: { href: `http://api.example.org/v3/audit_events/${event.guid}` } },
  })
  assert.deepEqual((await admin.get(`/v3/audit_events/${event.guid}`)).body, event)
  assert.equal((await admin.get('/v3/audit_events/nowhere')).body.errors[0].detail, 'Event not found')
  const creation = (await admin.get(`/v3/audit_events?target_guids=${org.guid}`)).body.resources[0]
  assert.deepEqual([creation.space, creation.organization], [null, { guid: org.guid }])
})

test('events are filtered by type, target, space and organization, and ordered by time', async (t) => {
  const { admin, org, space } = await withSpace(t)
  await admin.patch(`/v3/spaces/${space.guid}`, { name: 'prod' })
  const listed = async (query: string) => types((await admin.get(`/v3/audit_events?${query}`)).body)
  assert.deepEqual(await listed(`target_guids=${space.guid}&order_by=-created_at`), [
    'audit.space.update',
    'audit.space.create',
  ])
  assert.deepEqual(await listed(`target_guids[not]=${space.guid}`), ['audit.organization.create'])
  assert.deepEqual(await listed(`space_guids=${space.guid}&types=audit.space.update`), ['audit.space.update'])
  assert.equal((await listed(`organization_guids=${org.guid}`)).length, 3)
  assert.deepEqual(await listed('created_ats[lt]=2020-01-01T00:00:00Z'), [])
  const refused = await admin.get('/v3/audit_events?target_guids[or]=a&label_selector=b')
  assert.equal(refused.status, 400)
  assert.match(refused.body.errors[0].detail, /Unknown query parameter\(s\): 'label_selector'/)
  assert.match(refused.body.errors[0].detail, /Target guids target_guids has an invalid operator/)
})

test('events are read by global readers, by who works in the space but does not manage it, and by auditors of the organization', async (t) => {
  const { admin, as, withRole, anonymous, org, space } = await withSpace(t)
  const { body } = await admin.get('/v3/audit_events?types=audit.space.create')
  const path = `/v3/audit_events/${body.resources[0].guid}`
  const readers = {
    admin_read_only: [await as({ scopes: [...globalScopes.adminReadOnly] }), 200],
    global_auditor: [await as({ scopes: [...globalScopes.globalAuditor] }), 200],
    org_auditor: [await withRole({ type: 'organization_auditor', organization: org.guid }), 200],
    space_developer: [await withRole({ type: 'space_developer', space: space.guid }), 200],
    space_auditor: [await withRole({ type: 'space_auditor', space: space.guid }), 200],
    space_supporter: [await withRole({ type: 'space_supporter', space: space.guid }), 200],
    org_manager: [await withRole({ type: 'organization_manager', organization: org.guid }), 404],
    org_billing_manager: [await withRole({ type: 'organization_billing_manager', organization: org.guid }), 404],
    org_user: [await withRole({ type: 'organization_user', organization: org.guid }), 404],
    space_manager: [await withRole({ type: 'space_manager', space: space.guid }), 404],
    no_role: [await as(), 404],
    unauthenticated: [anonymous, 401],
  } as const
  for (const [name, [client, status]] of Object.entries(readers)) {
    assert.equal((await client.get(path)).status, status, name)
    if (status === 401) continue
    const listed = types((await client.get('/v3/audit_events')).body)
    assert.equal(listed.includes('audit.space.create'), status === 200, name)
  }
})

test('a client acts as a user without a name', async (t) => {
  const { as, space, admin } = await withSpace(t)
  const client = await as({ guid: 'ci-pipeline', scopes: [...globalScopes.admin], isClient: true })
  await client.patch(`/v3/spaces/${space.guid}`, { name: 'prod' })
  const [event] = (await admin.get('/v3/audit_events?types=audit.space.update')).body.resources
  assert.deepEqual(event.actor, { guid: 'ci-pipeline', type: 'user', name: '' })
})

test('giving and taking roles leaves events', async (t) => {
  const { admin, org, runJobs, uaaUsers } = await withSpace(t)
  uaaUsers.push({ guid: 'sue-guid', username: 'sue', origin: 'uaa' })
  const { body: role } = await admin.post('/v3/roles', {
    type: 'organization_manager',
    relationships: { user: { data: { username: 'sue' } }, organization: guid(org.guid) },
  })
  await admin.delete(`/v3/roles/${role.guid}`)
  await runJobs()
  const { body } = await admin.get('/v3/audit_events?target_guids=sue-guid')
  assert.deepEqual(types(body), ['audit.user.organization_manager_add', 'audit.user.organization_manager_remove'])
  assert.deepEqual(
    body.resources.map((event: { actor: { name: string }; target: object }) => [event.actor.name, event.target]),
    [
      ['admin@example.org', { guid: 'sue-guid', type: 'user', name: 'sue' }],
      ['admin@example.org', { guid: 'sue-guid', type: 'user', name: 'sue' }],
    ],
  )
})

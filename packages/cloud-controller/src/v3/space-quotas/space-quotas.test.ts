import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { givenApp, givenSpace } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles } from '../../testing/role-table.ts'
import { testController } from '../../testing/test-controller.ts'

test('a space quota is seen by managers of its organization and by who works in a space that it is applied to', async (t) => {
  const { admin, db, as, withRole } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const relationships = { organization: { data: { guid: org.guid } } }
  const { body: dev } = await admin.post('/v3/spaces', { name: 'dev', relationships })
  const { body: prod } = await admin.post('/v3/spaces', { name: 'prod', relationships })
  await db
    .insertInto('space_quotas')
    .values({
      guid: 'quota',
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
      name: 'small',
      organization_guid: org.guid,
      total_memory_in_mb: 512,
      per_process_memory_in_mb: 128,
      total_instances: 3,
      per_app_tasks: null,
      log_rate_limit_in_bytes_per_second: null,
      paid_services_allowed: 0,
      total_service_instances: 1,
      total_service_keys: 2,
      total_routes: 4,
      total_reserved_ports: null,
    })
    .execute()
  await db.updateTable('spaces').set({ quota_guid: 'quota' }).where('guid', '=', dev.guid).execute()

  const { body } = await admin.get('/v3/space_quotas/quota')
  assert.deepEqual(body, {
    guid: 'quota',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    name: 'small',
    apps: {
      total_memory_in_mb: 512,
      per_process_memory_in_mb: 128,
      total_instances: 3,
      per_app_tasks: null,
      log_rate_limit_in_bytes_per_second: null,
    },
    services: { paid_services_allowed: false, total_service_instances: 1, total_service_keys: 2 },
    routes: { total_routes: 4, total_reserved_ports: null },
    relationships: {
      organization: { data: { guid: org.guid } },
      spaces: { data: [{ guid: dev.guid }] },
    },
    links: {
      self: { href: 'http://api.example.org/v3/space_quotas/quota' },
      organization: { href: `http://api.example.org/v3/organizations/${org.guid}` },
    },
  })
  const readers = {
    org_manager: [await withRole({ type: 'organization_manager', organization: org.guid }), 200],
    developer_of_the_space: [await withRole({ type: 'space_developer', space: dev.guid }), 200],
    developer_of_another_space: [await withRole({ type: 'space_developer', space: prod.guid }), 404],
    org_auditor: [await withRole({ type: 'organization_auditor', organization: org.guid }), 404],
    no_role: [await as(), 404],
  } as const
  for (const [name, [client, status]] of Object.entries(readers)) {
    assert.equal((await client.get('/v3/space_quotas/quota')).status, status, name)
    assert.equal((await client.get('/v3/space_quotas')).body.pagination.total_results, status === 200 ? 1 : 0, name)
  }
  const listed = async (query: string) => (await admin.get(`/v3/space_quotas?${query}`)).body.resources.length
  assert.equal(await listed(`space_guids=${dev.guid}&organization_guids=${org.guid}&names=small`), 1)
  assert.equal(await listed(`space_guids=${prod.guid}`), 0)
  assert.equal((await admin.get('/v3/space_quotas?wheels=4')).status, 422)
})

const detail = (answer: { body: { errors: Array<{ detail: string }> } }) => answer.body.errors[0]?.detail
const path = '/v3/space_quotas'
const inOrganization = (guid: string) => ({ organization: { data: { guid } } })

async function withSpaces(t: TestContext) {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid: dev, organizationGuid } = await givenSpace(controller)
  const { body: prod } = await admin.post('/v3/spaces', {
    name: 'prod',
    relationships: inOrganization(organizationGuid),
  })
  const quotaNamed = async (name: string, limits: object = {}) =>
    (await admin.post(path, { name, ...limits, relationships: inOrganization(organizationGuid) })).body
  return { ...controller, organizationGuid, dev, prod: prod.guid as string, quotaNamed }
}

test('a space quota belongs to an organization; a change touches only what it names', async (t) => {
  const { admin, organizationGuid, dev } = await withSpaces(t)
  const relationships = { ...inOrganization(organizationGuid), spaces: { data: [{ guid: dev }] } }
  const { status, body } = await admin.post(path, { name: 'small', apps: { total_instances: 3 }, relationships })
  assert.equal(status, 201)
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'small',
    apps: {
      total_memory_in_mb: null,
      per_process_memory_in_mb: null,
      total_instances: 3,
      per_app_tasks: null,
      log_rate_limit_in_bytes_per_second: null,
    },
    services: { paid_services_allowed: true, total_service_instances: null, total_service_keys: null },
    routes: { total_routes: null, total_reserved_ports: null },
    relationships,
    links: {
      self: { href: `http://api.example.org${path}/${body.guid}` },
      organization: { href: `http://api.example.org/v3/organizations/${organizationGuid}` },
    },
  })
  const changed = await admin.patch(`${path}/${body.guid}`, { name: 'large', routes: { total_routes: 0 } })
  assert.deepEqual(changed.body, {
    ...body,
    name: 'large',
    routes: { total_routes: 0, total_reserved_ports: null },
    updated_at: changed.body.updated_at,
  })
  assert.equal((await admin.get(`/v3/spaces/${dev}`)).body.relationships.quota.data.guid, body.guid)
})

test('a space quota is refused with the words of Cloud Foundry', async (t) => {
  const { admin, db, organizationGuid, quotaNamed } = await withSpaces(t)
  const { spaceGuid: foreign } = await givenSpace({ admin, db }, { organization: 'umbrella' })
  const relationships = inOrganization(organizationGuid)
  await quotaNamed('taken')
  const ports =
    'Total reserved ports must be -1, 0, or a positive integer, must be less than or equal to total routes, and must be less than or equal to total reserved ports for the organization quota.'
  const cases: Array<[object, string]> = [
    [{ name: 'x' }, "Relationships 'relationships' is not an object"],
    [
      { name: 'x', relationships: { spaces: { data: [] } } },
      'Relationships Organization must be structured like this: "organization: {"data": {"guid": "valid-guid"}}"',
    ],
    [{ relationships }, "Name can't be blank"],
    [{ name: 'x', relationships, domains: {} }, "Unknown field(s): 'domains'"],
    [
      { name: 'x', relationships, apps: { total_instances: -1 } },
      'Apps Total instances must be greater than or equal to 0',
    ],
    [
      { name: 'x', relationships: inOrganization('nowhere') },
      "Organization with guid 'nowhere' does not exist, or you do not have access to it.",
    ],
    [
      { name: 'x', relationships: { ...relationships, spaces: { data: [{ guid: foreign }] } } },
      `Spaces with guids ["${foreign}"] do not exist within the organization specified, or you do not have access to them.`,
    ],
    [{ name: 'x', relationships, routes: { total_reserved_ports: 1 } }, ports],
    [{ name: 'taken', relationships }, "Space Quota 'taken' already exists."],
  ]
  for (const [message, expected] of cases) {
    const answer = await admin.post(path, message)
    assert.deepEqual([answer.status, detail(answer)], [422, expected])
  }
  const { guid } = await quotaNamed('free')
  assert.equal(detail(await admin.patch(`${path}/${guid}`, { name: 'taken' })), "Space Quota 'taken' already exists.")
  assert.equal(detail(await admin.patch(`${path}/${guid}`, { routes: { total_reserved_ports: 1 } })), ports)
})

test('a quota is applied to spaces of its organization, taken from them, and deleted when it limits none', async (t) => {
  const { admin, db, runJobs, dev, prod, quotaNamed } = await withSpaces(t)
  const { guid } = await quotaNamed('small')
  const own = `${path}/${guid}`
  const apply = (...guids: string[]) =>
    admin.post(`${own}/relationships/spaces`, { data: guids.map((space) => ({ guid: space })) })
  const applied = await apply(dev, prod)
  assert.deepEqual(
    [applied.status, applied.body],
    [
      200,
      {
        data: [{ guid: dev }, { guid: prod }],
        links: { self: { href: `http://api.example.org${own}/relationships/spaces` } },
      },
    ],
  )
  const { spaceGuid: foreign } = await givenSpace({ admin, db }, { organization: 'umbrella' })
  assert.equal(detail(await apply(foreign)), 'Space quotas cannot be applied outside of their owning organization.')
  assert.equal(
    detail(await apply('nowhere')),
    'Spaces with guids ["nowhere"] do not exist, or you do not have access to them.',
  )
  assert.equal(
    detail(await admin.delete(own)),
    'This quota is applied to one or more spaces. Remove this quota from all spaces before deleting.',
  )
  assert.equal((await admin.delete(`${own}/relationships/spaces/${dev}`)).status, 204)
  assert.equal(
    detail(await admin.delete(`${own}/relationships/spaces/${dev}`)),
    `Unable to remove quota from space with guid '${dev}'. Ensure the space quota is applied to this space.`,
  )
  await admin.delete(`${own}/relationships/spaces/${prod}`)
  const accepted = await admin.delete(own)
  assert.equal(accepted.status, 202)
  await apply(dev) // overtakes the deletion
  await runJobs()
  const { body: job } = await admin.get(new URL(accepted.headers.get('location') ?? '').pathname)
  assert.deepEqual([job.operation, job.state], ['space_quota.delete', 'COMPLETE'])
  assert.equal((await admin.get(own)).status, 404)
  assert.equal((await admin.get(`/v3/spaces/${dev}`)).body.relationships.quota.data, null)

  const events = (await admin.get(`/v3/audit_events?target_guids=${guid}`)).body.resources
  assert.deepEqual(
    events.map(({ type, space }: { type: string; space: unknown }) => [type.split('.').at(-1), space]),
    [
      ['create', null],
      ['apply', { guid: dev }],
      ['apply', { guid: prod }],
      ['remove', { guid: dev }],
      ['remove', { guid: prod }],
      ['apply', { guid: dev }],
      ['delete', null],
    ],
  )
})

test('the log rate of spaces is not limited where apps have no limit to it', async (t) => {
  const controller = await withSpaces(t)
  const { admin, dev, quotaNamed } = controller
  const app = await givenApp(controller, dev)
  await admin.post(`/v3/processes/${app.guid}/actions/scale`, { log_rate_limit_in_bytes_per_second: -1 })
  const limits = { apps: { log_rate_limit_in_bytes_per_second: 9 } }
  const { guid: limited } = await quotaNamed('limited', limits)
  const { guid: open } = await quotaNamed('open')
  const apply = (quota: string) => admin.post(`${path}/${quota}/relationships/spaces`, { data: [{ guid: dev }] })
  assert.equal(
    detail(await apply(limited)),
    'Current usage exceeds new quota values. The space(s) being assigned this quota contain apps running with an unlimited log rate limit.',
  )
  await apply(open)
  assert.equal(
    detail(await admin.patch(`${path}/${open}`, limits)),
    "Current usage exceeds new quota values. This quota is applied to space 'dev' which contains apps running with an unlimited log rate limit.",
  )
})

test('managers of an organization write its space quotas unless it is suspended', async (t) => {
  const controller = await withSpaces(t)
  const { admin, organizationGuid, dev, quotaNamed } = controller
  const clients = await clientsOfAllRoles(controller, { spaceGuid: dev, organizationGuid })
  const { guid } = await quotaNamed('small')
  const own = `${path}/${guid}`
  await admin.post(`${own}/relationships/spaces`, { data: [{ guid: dev }] })
  const data = [{ guid: dev }]
  const hidden = all(['org_auditor', 'org_billing_manager', 'org_user', 'no_role'], 404)
  const writers = all(['admin', 'org_manager'], 200)
  let count = 0
  await assertRoleTable(
    clients,
    (client) => client.post(path, { name: `q${count++}`, relationships: inOrganization(organizationGuid) }),
    all(['admin', 'org_manager'], 201),
    403,
  )
  await assertRoleTable(clients, (client) => client.patch(own, {}), { ...hidden, ...writers }, 403)
  await assertRoleTable(
    clients,
    (client) => client.post(`${own}/relationships/spaces`, { data }),
    { ...hidden, ...writers },
    403,
  )
  await assertRoleTable(
    clients,
    (client) => client.delete(`${own}/relationships/spaces/nowhere`),
    { ...hidden, ...all(['admin', 'org_manager'], 422) },
    403,
  )
  await assertRoleTable(
    clients,
    (client) => client.delete(own),
    { ...hidden, ...all(['admin', 'org_manager'], 422) },
    403,
  )
  await admin.patch(`/v3/organizations/${organizationGuid}`, { suspended: true })
  assert.equal(detail(await clients.org_manager.patch(own, {})), 'The organization is suspended')
  assert.equal((await admin.patch(own, {})).status, 200)
})

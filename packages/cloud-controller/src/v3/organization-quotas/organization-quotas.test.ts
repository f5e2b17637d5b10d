import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenApp, givenSpace } from '../../testing/factories.ts'
import { assertRoleTable, clientsOfAllRoles } from '../../testing/role-table.ts'
import { testController } from '../../testing/test-controller.ts'

test('the quota "default" is there from the start, and tells of the organizations that the caller sees', async (t) => {
  const { admin, as, withRole } = await testController(t)
  const { body: acme } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: other } = await admin.post('/v3/organizations', { name: 'other' })
  const path = `/v3/organization_quotas/${acme.relationships.quota.data.guid}`
  const { body } = await admin.get(path)
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'default',
    apps: {
      total_memory_in_mb: 102_400,
      per_process_memory_in_mb: null,
      total_instances: null,
      per_app_tasks: null,
      log_rate_limit_in_bytes_per_second: null,
    },
    services: { paid_services_allowed: true, total_service_instances: null, total_service_keys: null },
    routes: { total_routes: 1000, total_reserved_ports: 0 },
    domains: { total_domains: null },
    relationships: { organizations: { data: [{ guid: acme.guid }, { guid: other.guid }] } },
    links: { self: { href: `http://api.example.org${path}` } },
  })
  const user = await withRole({ type: 'organization_user', organization: acme.guid })
  assert.deepEqual((await user.get(path)).body.relationships.organizations.data, [{ guid: acme.guid }])
  const stranger = await as()
  assert.deepEqual((await stranger.get(path)).body.relationships.organizations.data, [])

  const listed = async (client: typeof admin, query: string) =>
    (await client.get(`/v3/organization_quotas?${query}`)).body.pagination.total_results
  assert.equal(await listed(user, 'names=default'), 1)
  assert.equal(await listed(user, 'names=x'), 0)
  assert.equal(await listed(user, `organization_guids=${acme.guid}`), 1)
  assert.equal(await listed(user, `organization_guids=${other.guid}`), 0)
  assert.equal(await listed(admin, `organization_guids=${other.guid}`), 1)
  assert.equal((await admin.get('/v3/organization_quotas/x')).body.errors[0].detail, 'Organization quota not found')
})

const detail = (answer: { body: { errors: Array<{ detail: string }> } }) => answer.body.errors[0]?.detail
const path = '/v3/organization_quotas'

test('a quota is unlimited where nothing is said, and a change touches only what it names', async (t) => {
  const { admin } = await testController(t)
  const { status, body } = await admin.post(path, { name: 'small' })
  assert.equal(status, 201)
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'small',
    apps: {
      total_memory_in_mb: null,
      per_process_memory_in_mb: null,
      total_instances: null,
      per_app_tasks: null,
      log_rate_limit_in_bytes_per_second: null,
    },
    services: { paid_services_allowed: true, total_service_instances: null, total_service_keys: null },
    routes: { total_routes: null, total_reserved_ports: null },
    domains: { total_domains: null },
    relationships: { organizations: { data: [] } },
    links: { self: { href: `http://api.example.org${path}/${body.guid}` } },
  })
  const limits = {
    apps: {
      total_memory_in_mb: 5120,
      per_process_memory_in_mb: 1024,
      total_instances: 10,
      per_app_tasks: 0,
      log_rate_limit_in_bytes_per_second: 5_000_000_000,
    },
    services: { paid_services_allowed: false, total_service_instances: 1, total_service_keys: 2 },
    routes: { total_routes: 8, total_reserved_ports: 4 },
    domains: { total_domains: 7 },
  }
  const changed = await admin.patch(`${path}/${body.guid}`, { name: 'large', ...limits })
  assert.deepEqual(
    [changed.status, changed.body],
    [200, { ...body, ...limits, name: 'large', updated_at: changed.body.updated_at }],
  )
  const again = await admin.patch(`${path}/${body.guid}`, {
    apps: { total_instances: null },
    services: { paid_services_allowed: null },
  })
  assert.deepEqual(again.body, {
    ...changed.body,
    apps: { ...limits.apps, total_instances: null },
    services: { ...limits.services, paid_services_allowed: true },
    updated_at: again.body.updated_at,
  })
  assert.deepEqual((await admin.get(`${path}/${body.guid}`)).body, again.body)
})

test('a quota is refused with the words of Cloud Foundry', async (t) => {
  const { admin } = await testController(t)
  const cases: Array<[unknown, string]> = [
    [{}, "Name can't be blank"],
    [{ name: 'x'.repeat(251) }, 'Name is too long (maximum is 250 characters)'],
    [{ name: 'x', wheels: 4 }, "Unknown field(s): 'wheels'"],
    [{ name: 'x', apps: [] }, 'Apps must be an object'],
    [{ name: 'x', domains: null }, 'Domains must be an object'],
    [{ name: 'x', apps: { wheels: 4 } }, "Apps Unknown field(s): 'wheels'"],
    [{ name: 'x', apps: { total_memory_in_mb: -1 } }, 'Apps Total memory in mb must be greater than or equal to 0'],
    [{ name: 'x', services: { total_service_keys: 'many' } }, 'Services Total service keys is not a number'],
    [{ name: 'x', services: { paid_services_allowed: 'yes' } }, 'Services Paid services allowed must be a boolean'],
    [{ name: 'x', routes: { total_routes: 1.5 } }, 'Routes Total routes must be an integer'],
    [
      { name: 'x', domains: { total_domains: 2_147_483_648 } },
      'Domains Total domains must be less than or equal to 2147483647',
    ],
    [
      { name: 'x', routes: { total_routes: 1, total_reserved_ports: 2 } },
      'Total reserved ports must be -1, 0, or a positive integer, and must be less than or equal to total routes.',
    ],
    [
      { name: 'x', relationships: { organizations: { data: [{ guid: 'nowhere' }] } } },
      'Organizations with guids ["nowhere"] do not exist, or you do not have access to them.',
    ],
    [{ name: 'default' }, "Organization Quota 'default' already exists."],
  ]
  for (const [message, expected] of cases) {
    const answer = await admin.post(path, message)
    assert.deepEqual([answer.status, detail(answer)], [422, expected])
  }
  const { body: quota } = await admin.post(path, { name: 'x', routes: { total_routes: 1 } })
  assert.equal(
    detail(await admin.patch(`${path}/${quota.guid}`, { name: 'default' })),
    "Organization Quota 'default' already exists.",
  )
  assert.match(
    detail(await admin.patch(`${path}/${quota.guid}`, { routes: { total_reserved_ports: 2 } })) ?? '',
    /^Total reserved ports/,
  )
  assert.equal(detail(await admin.patch(`${path}/nowhere`, {})), 'Organization quota not found')
})

test('applying a quota moves organizations to it, and only one without organizations can be deleted', async (t) => {
  const { admin, runJobs } = await testController(t)
  const { body: acme } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: umbrella } = await admin.post('/v3/organizations', { name: 'umbrella' })
  const relationships = { organizations: { data: [{ guid: acme.guid }] } }
  const { body: quota } = await admin.post(path, { name: 'small', relationships })
  assert.deepEqual(quota.relationships, relationships)
  const apply = (data: unknown) => admin.post(`${path}/${quota.guid}/relationships/organizations`, { data })
  const applied = await apply([{ guid: umbrella.guid }])
  assert.deepEqual(
    [applied.status, applied.body],
    [
      200,
      {
        data: [{ guid: acme.guid }, { guid: umbrella.guid }],
        links: { self: { href: `http://api.example.org${path}/${quota.guid}/relationships/organizations` } },
      },
    ],
  )
  assert.equal((await admin.get(`/v3/organizations/${umbrella.guid}`)).body.relationships.quota.data.guid, quota.guid)
  assert.equal(detail(await apply([{ guid: 'a' }, { guid: 'b' }])), 'Organizations with guids ["a", "b"] do not exist')
  assert.equal(detail(await apply([])), "Data can't be blank")

  const refused = await admin.delete(`${path}/${quota.guid}`)
  assert.deepEqual(
    [refused.status, detail(refused)],
    [
      422,
      'This quota is applied to one or more organizations. Apply different quotas to those organizations before deleting.',
    ],
  )
  const defaultQuota = (await admin.get(`${path}?names=default`)).body.resources[0].guid
  await admin.post(`${path}/${defaultQuota}/relationships/organizations`, {
    data: [{ guid: acme.guid }, { guid: umbrella.guid }],
  })
  const accepted = await admin.delete(`${path}/${quota.guid}`)
  assert.equal(accepted.status, 202)
  await runJobs()
  const job = await admin.get(new URL(accepted.headers.get('location') ?? '').pathname)
  assert.deepEqual([job.body.operation, job.body.state], ['organization_quota.delete', 'COMPLETE'])
  assert.equal((await admin.get(`${path}/${quota.guid}`)).status, 404)

  const events = (await admin.get(`/v3/audit_events?target_guids=${quota.guid}`)).body.resources
  assert.deepEqual(
    events.map(({ type, organization, data }: Record<string, unknown>) => [type, organization, data]),
    [
      ['audit.organization_quota.create', null, { request: { name: 'small', relationships } }],
      [
        'audit.organization_quota.apply',
        { guid: umbrella.guid },
        { organization_guid: umbrella.guid, organization_name: 'umbrella' },
      ],
      ['audit.organization_quota.delete', null, {}],
    ],
  )
})

test('a deletion that an organization overtakes fails, and the quota stays', async (t) => {
  const { admin, runJobs } = await testController(t)
  const { body: acme } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: quota } = await admin.post(path, { name: 'small' })
  const { headers } = await admin.delete(`${path}/${quota.guid}`)
  await admin.post(`${path}/${quota.guid}/relationships/organizations`, { data: [{ guid: acme.guid }] })
  await runJobs()
  const { body: job } = await admin.get(new URL(headers.get('location') ?? '').pathname)
  assert.deepEqual(
    [job.state, job.errors],
    [
      'FAILED',
      [
        {
          code: 10_006,
          title: 'CF-AssociationNotEmpty',
          detail: 'Please delete the organization associations for your quota definition.',
        },
      ],
    ],
  )
  assert.equal((await admin.get(`${path}/${quota.guid}`)).status, 200)
})

test('a log rate is not limited where apps have no limit to it', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const organizations: string[] = []
  for (const organization of ['umbrella', 'acme', 'zoo']) {
    const { spaceGuid, organizationGuid } = await givenSpace(controller, { organization })
    const { guid } = await givenApp(controller, spaceGuid)
    await admin.post(`/v3/processes/${guid}/actions/scale`, { log_rate_limit_in_bytes_per_second: -1 })
    organizations.push(organizationGuid)
  }
  const { body: limited } = await admin.post(path, { name: 'limited', apps: { log_rate_limit_in_bytes_per_second: 9 } })
  const refused = await admin.post(`${path}/${limited.guid}/relationships/organizations`, {
    data: [{ guid: organizations[0] }],
  })
  assert.deepEqual(
    [refused.status, detail(refused)],
    [
      422,
      'Current usage exceeds new quota values. The org(s) being assigned this quota contain apps running with an unlimited log rate limit.',
    ],
  )
  const { body: open } = await admin.post(path, { name: 'open' })
  const where = ["org 'umbrella' which contains", "orgs 'acme', 'umbrella' which contain"]
  where.push("orgs 'acme', 'umbrella' and 1 other orgs which contain")
  for (const [index, places] of where.entries()) {
    await admin.post(`${path}/${open.guid}/relationships/organizations`, { data: [{ guid: organizations[index] }] })
    assert.equal(
      detail(await admin.patch(`${path}/${open.guid}`, { apps: { log_rate_limit_in_bytes_per_second: 9 } })),
      `Current usage exceeds new quota values. This quota is applied to ${places} apps running with an unlimited log rate limit.`,
    )
  }
  assert.equal((await admin.patch(`${path}/${open.guid}`, { apps: { total_instances: 0 } })).status, 200)
})

test('only admins write quotas of organizations; everybody reads them', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const clients = await clientsOfAllRoles(controller, place)
  const { admin } = controller
  const { body: quota } = await admin.post(path, { name: 'small' })
  let count = 0
  const only = { admin: 201 }
  await assertRoleTable(clients, (client) => client.post(path, { name: `q${count++}` }), only, 403)
  await assertRoleTable(clients, (client) => client.patch(`${path}/${quota.guid}`, {}), { admin: 200 }, 403)
  await assertRoleTable(clients, (client) => client.patch(`${path}/nowhere`, {}), { admin: 404 }, 403)
  await assertRoleTable(clients, (client) => client.delete(`${path}/${quota.guid}`), { admin: 202 }, 403)
  await assertRoleTable(
    clients,
    (client) =>
      client.post(`${path}/${quota.guid}/relationships/organizations`, { data: [{ guid: place.organizationGuid }] }),
    { admin: 200 },
    403,
  )
  await assertRoleTable(clients, (client) => client.get(`${path}/${quota.guid}`), {}, 200)
})

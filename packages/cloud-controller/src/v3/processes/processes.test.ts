import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenApp, givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { testController } from '../../testing/test-controller.ts'

test('GET /v3/processes/:guid shows the whole process with the droplet’s command', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  const { status, body } = await admin.get(`/v3/processes/${appGuid}`)
  assert.equal(status, 200)
  const at = (path: string) => ({ href: `http://api.example.org/v3/processes/${appGuid}${path}` })
  const expected = {
    guid: appGuid,
    created_at: body.created_at,
    updated_at: body.updated_at,
    version: body.version,
    type: 'web',
    command: 'node server.js',
    user: 'vcap',
    instances: 1,
    memory_in_mb: 1024,
    disk_in_mb: 1024,
    log_rate_limit_in_bytes_per_second: 1048576,
    health_check: { type: 'port', data: { timeout: null, invocation_timeout: null, interval: null } },
    readiness_health_check: { type: 'process', data: { invocation_timeout: null, interval: null } },
    relationships: { app: { data: { guid: appGuid } }, revision: null },
    metadata: { labels: {}, annotations: {} },
    links: {
      self: at(''),
      scale: { ...at('/actions/scale'), method: 'POST' },
      app: { href: `http://api.example.org/v3/apps/${appGuid}` },
      space: { href: `http://api.example.org/v3/spaces/${spaceGuid}` },
      stats: at('/stats'),
      process_instances: at('/process_instances'),
    },
  }
  assert.deepEqual(body, expected)
  assert.deepEqual((await admin.get(`/v3/apps/${appGuid}/processes/web`)).body, expected)
  const listed = await admin.get(`/v3/apps/${appGuid}/processes`)
  assert.deepEqual(listed.body.resources, [{ ...expected, command: '[PRIVATE DATA HIDDEN IN LISTS]' }])
})

test('an unknown process or app is told apart, with the words that clients match on', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const detail = async (path: string) => (await admin.get(path)).body.errors[0].detail
  assert.equal(await detail('/v3/processes/nope'), 'Process not found')
  assert.equal(await detail(`/v3/apps/${guid}/processes/nope`), 'Process not found')
  assert.equal(await detail('/v3/apps/nope/processes/web/stats'), 'App not found')
  assert.equal(
    await detail(`/v3/apps/${guid}/processes?app_guids=x`),
    "The query parameter is invalid: Unknown query parameter(s): 'app_guids'",
  )
})

test('PATCH changes command and health checks; a check that is no HTTP check forgets its endpoint', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const changed = await admin.patch(`/v3/processes/${guid}`, {
    command: 'node other.js',
    health_check: { type: 'http', data: { endpoint: '/health', timeout: 30, interval: 5 } },
    readiness_health_check: { type: 'http', data: { endpoint: '/ready' } },
    metadata: { labels: { a: 'b' } },
  })
  assert.equal(changed.status, 200)
  assert.equal(changed.body.command, 'node other.js')
  assert.deepEqual(changed.body.health_check, {
    type: 'http',
    data: { timeout: 30, invocation_timeout: null, interval: 5, endpoint: '/health' },
  })
  assert.deepEqual(changed.body.readiness_health_check, {
    type: 'http',
    data: { invocation_timeout: null, interval: null, endpoint: '/ready' },
  })
  const event = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', 'audit.app.process.update')
    .executeTakeFirstOrThrow()
  assert.equal(JSON.parse(event.data).request.command, '[PRIVATE DATA HIDDEN]')

  const back = await admin.patch(`/v3/apps/${guid}/processes/web`, { command: null, health_check: { type: 'port' } })
  assert.deepEqual(
    [back.body.command, back.body.health_check],
    ['', { type: 'port', data: { timeout: 30, invocation_timeout: null, interval: 5 } }],
  )
})

test('PATCH refuses what the platform does not allow', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const detail = async (body: unknown) => (await admin.patch(`/v3/processes/${guid}`, body)).body.errors[0].detail
  assert.equal(await detail({ command: '' }), 'Command must be between 1 and 4096 characters')
  assert.equal(
    await detail({ health_check: { type: 'tcp' } }),
    'Health check type must be "port", "process", or "http"',
  )
  assert.equal(
    await detail({ health_check: { data: { timeout: 181 } } }),
    'health_check_timeout Maximum exceeded: max 180s',
  )
  assert.equal(
    await detail({ health_check: { data: { endpoint: 'health' } } }),
    'Health check endpoint must be a valid URI path',
  )
  assert.match(await detail({ health_check: { type: 'http' } }), /health check endpoint is not a valid URI path/)
  assert.equal(
    await detail({ user: 'root' }),
    "user invalid (requested user 'root' not allowed, permitted users are: 'vcap')",
  )
})

test('scaling a started process starts the new tail and stops the old one', async (t) => {
  const controller = await testController(t)
  const { admin, bus, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  const { version } = (await admin.get(`/v3/processes/${appGuid}`)).body
  bus.calls.length = 0
  const up = await admin.post(`/v3/apps/${appGuid}/processes/web/actions/scale`, { instances: 3, memory_in_mb: 64 })
  assert.deepEqual([up.status, up.body.instances, up.body.memory_in_mb, up.body.version], [202, 3, 64, version])
  const [start] = bus.calls.filter((call) => call.name === 'dea.start')
  assert.deepEqual(
    (start?.values[0] as Array<{ index: number }>).map((message) => message.index),
    [1, 2],
  )
  bus.calls.length = 0
  await admin.post(`/v3/processes/${appGuid}/actions/scale`, { instances: 1 })
  assert.deepEqual(
    bus.calls.filter((call) => call.name.startsWith('dea.')),
    [{ name: 'dea.stop', values: [{ droplet: appGuid, version, indices: [1, 2] }] }],
  )
  const usage = await db.selectFrom('app_usage_events').selectAll().orderBy('id', 'desc').executeTakeFirstOrThrow()
  assert.deepEqual(
    [usage.state, usage.instance_count, usage.previous_instance_count, usage.memory_in_mb_per_instance],
    ['STARTED', 1, 3, 64],
  )
})

test('scaling a stopped process tells the DEAs nothing; what is no number or too much is refused', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/processes/${appGuid}/actions/scale`, { instances: 4 })
  assert.deepEqual(
    bus.calls.filter((call) => call.name.startsWith('dea.')),
    [],
  )
  const detail = async (body: unknown) =>
    (await admin.post(`/v3/processes/${appGuid}/actions/scale`, body)).body.errors[0].detail
  assert.equal(await detail({ instances: -1 }), 'Instances must be greater than or equal to 0')
  assert.equal(
    await detail({ instances: 'x', memory_in_mb: 0 }),
    'Instances is not a number, Memory in mb must be greater than 0',
  )
  assert.equal(
    await detail({ log_rate_limit_in_bytes_per_second: -2 }),
    'Log rate limit in bytes per second must be greater than or equal to -1',
  )
  assert.equal(
    await detail({ disk_in_mb: 5000 }),
    'disk_quota too much disk requested (requested 5000 MB - must be less than 2048 MB)',
  )
  await admin.post(`/v3/apps/${appGuid}/sidecars`, {
    name: 's',
    command: 'c',
    process_types: ['web'],
    memory_in_mb: 64,
  })
  assert.equal(
    await detail({ memory_in_mb: 64 }),
    'The requested memory allocation is not large enough to run all of your sidecar processes',
  )
})

test('DELETE of an instance stops it and starts another; an index that is not there is no instance', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  bus.calls.length = 0
  assert.equal((await admin.delete(`/v3/apps/${appGuid}/processes/web/instances/0`)).status, 204)
  const calls = bus.calls.filter((call) => call.name.startsWith('dea.'))
  assert.deepEqual(
    calls.map((call) => call.name),
    ['dea.stop', 'dea.start'],
  )
  assert.deepEqual(calls[0]?.values, [{ droplet: appGuid, indices: [0] }])
  const missing = await admin.delete(`/v3/processes/${appGuid}/instances/1`)
  assert.deepEqual([missing.status, missing.body.errors[0].detail], [404, 'Instance not found'])
})

test('who may scale, update and see the command of a process', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, place.spaceGuid)
  const clients = await clientsOfAllRoles(controller, place)
  const path = `/v3/processes/${appGuid}`
  const managers = ['admin', 'space_developer', 'space_supporter'] as const
  await assertRoleTable(clients, (client) => client.get(path), all(spaceReaders, 200), 404)
  await assertRoleTable(clients, (client) => client.get(`${path}/stats`), all(spaceReaders, 200), 404)
  await assertRoleTable(
    clients,
    (client) => client.post(`${path}/actions/scale`, { instances: 1 }),
    { ...all(spaceReaders, 403), ...all(managers, 202) },
    404,
  )
  await assertRoleTable(
    clients,
    (client) => client.patch(path, { command: 'x' }),
    { ...all(spaceReaders, 403), ...all(managers, 200) },
    404,
  )
  assert.equal((await clients.space_developer.get(path)).body.command, 'x')
  assert.equal((await clients.admin_read_only.get(path)).body.command, 'x')
  assert.equal((await clients.space_auditor.get(path)).body.command, '[PRIVATE DATA HIDDEN]')
})

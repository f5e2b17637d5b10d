import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiError } from '../../errors/api-error.ts'
import { givenApp, givenDroplet, givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'

const busCalls = ({ bus }: TestController, ...names: string[]) => {
  const calls = bus.calls.filter((call) => names.includes(call.name)).map(({ name, values }) => ({ name, values }))
  bus.calls.length = 0
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every kind
  return calls as Array<{ name: string; values: any[] }>
}

const eventTypes = async ({ db }: TestController, appGuid: string) =>
  (await db.selectFrom('audit_events').select('type').where('target_guid', '=', appGuid).orderBy('id').execute()).map(
    (event) => event.type,
  )

test('an app can not start without a droplet, with the words that clients match on', async (t) => {
  const controller = await testController(t)
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  for (const action of ['start', 'restart']) {
    const { status, body } = await controller.admin.post(`/v3/apps/${app.guid}/actions/${action}`)
    assert.equal(status, 422)
    assert.equal(body.errors[0].detail, 'Assign a droplet before starting this app.')
  }
})

test('start sends a whole start message for each instance of each process, and makes the first revision', async (t) => {
  const controller = await testController(t)
  const { admin, db, settings } = controller
  const { spaceGuid, organizationGuid } = await givenSpace(controller)
  const { appGuid, dropletGuid } = await givenStartableApp(controller, spaceGuid, {
    processTypes: { web: 'node server.js', worker: 'node worker.js' },
  })
  await admin.patch(`/v3/apps/${appGuid}/environment_variables`, { var: { MODE: 'fast', GONE: null } })
  await admin.post(`/v3/apps/${appGuid}/processes/web/actions/scale`, { instances: 2, memory_in_mb: 64 })
  await admin.post(`/v3/apps/${appGuid}/sidecars`, { name: 'proxy', command: './proxy', process_types: ['web'] })
  busCalls(controller)

  const { status, body } = await admin.post(`/v3/apps/${appGuid}/actions/start`)
  assert.deepEqual([status, body.state], [200, 'STARTED'])
  const process = await db.selectFrom('processes').selectAll().where('guid', '=', appGuid).executeTakeFirstOrThrow()
  const [call, ...others] = busCalls(controller, 'dea.start', 'dea.stop')
  assert.deepEqual(others, [])
  assert.deepEqual(
    call?.values[0].map((message: { index: number }) => message.index),
    [0, 1],
  )
  assert.deepEqual(call?.values[0][0], {
    droplet: appGuid,
    app_guid: appGuid,
    process_type: 'web',
    name: 'hello',
    stack: 'cflinuxfs4',
    uris: [],
    sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
    executableUri: `http://staging:staging-secret@127.0.0.1:8181/staging/droplets/${dropletGuid}/download`,
    version: process.version,
    index: 0,
    services: [],
    limits: { mem: 64, disk: 1024, fds: 16384, log_rate: 1048576 },
    env: ['MODE=fast', 'CF_PROCESS_TYPE=web'],
    cc_partition: 'default',
    start_command: 'node server.js',
    health_check_timeout: 60,
    health_check: { type: 'port', timeout: 60, invocation_timeout: null, interval: null, endpoint: null },
    readiness_health_check: { type: 'process', invocation_timeout: null, interval: null, endpoint: null },
    sidecars: [{ name: 'proxy', command: './proxy', memory_in_mb: null }],
    vcap_application: {
      cf_api: 'http://api.example.org',
      application_id: appGuid,
      application_name: 'hello',
      application_uris: [],
      name: 'hello',
      space_name: 'dev',
      space_id: spaceGuid,
      organization_id: organizationGuid,
      organization_name: 'acme',
      uris: [],
      limits: { fds: settings.apps.fileDescriptors, mem: 64, disk: 1024 },
      process_id: appGuid,
      process_type: 'web',
      version: process.version,
      application_version: process.version,
    },
    egress_network_rules: [],
  })
  const revisions = await admin.get(`/v3/apps/${appGuid}/revisions`)
  assert.equal(revisions.body.resources[0].description, 'Initial revision.')
  assert.equal(process.revision_guid, revisions.body.resources[0].guid)
  const types = await eventTypes(controller, appGuid)
  assert.deepEqual(types.slice(-2), ['audit.app.revision.create', 'audit.app.start'])
})

test('starting a started app tells the DEAs nothing', async (t) => {
  const controller = await testController(t)
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await controller.admin.post(`/v3/apps/${appGuid}/actions/start`)
  busCalls(controller)
  assert.equal((await controller.admin.post(`/v3/apps/${appGuid}/actions/start`)).status, 200)
  assert.deepEqual(busCalls(controller, 'dea.start', 'dea.stop'), [])
})

test('an app starts although no DEA has room; its instances show as DOWN', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  bus.answer('dea.start', () => {
    throw apiError('InsufficientRunningResourcesAvailable')
  })
  const { status, body } = await admin.post(`/v3/apps/${appGuid}/actions/start`)
  assert.deepEqual([status, body.state], [200, 'STARTED'])
  const stats = await admin.get(`/v3/apps/${appGuid}/processes/web/stats`)
  assert.deepEqual(stats.body.resources, [
    { type: 'web', index: 0, state: 'DOWN', routable: null, uptime: 0, isolation_segment: null, details: null },
  ])
})

test('restart replaces what runs by instances of another version', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  const [first] = busCalls(controller, 'dea.start')
  assert.equal((await admin.post(`/v3/apps/${appGuid}/actions/restart`)).status, 200)
  const calls = busCalls(controller, 'dea.start', 'dea.stop')
  assert.deepEqual(
    calls.map((call) => call.name),
    ['dea.stop', 'dea.start'],
  )
  assert.deepEqual(calls[0]?.values[0], { droplet: appGuid })
  assert.notEqual(calls[1]?.values[0][0].version, first?.values[0][0].version)
  const usage = await db
    .selectFrom('app_usage_events')
    .selectAll()
    .where('app_guid', '=', appGuid)
    .orderBy('id')
    .execute()
  assert.deepEqual(
    usage.map((event) => [event.previous_state, event.state, event.buildpack_name]),
    [
      ['STOPPED', 'STARTED', 'nodejs_buildpack'],
      ['STARTED', 'STOPPED', 'nodejs_buildpack'],
      ['STOPPED', 'STARTED', 'nodejs_buildpack'],
    ],
  )
})

test('restart answers 503 when the DEAs can not be told to stop', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  bus.answer('dea.stop', () => {
    throw new Error('connection closed')
  })
  const { status, body } = await admin.post(`/v3/apps/${appGuid}/actions/restart`)
  assert.deepEqual([status, body.errors[0].code], [503, 170015])
})

test('stop stops every instance, and stopping twice is fine', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  busCalls(controller)
  const { status, body } = await admin.post(`/v3/apps/${appGuid}/actions/stop`)
  assert.deepEqual([status, body.state], [200, 'STOPPED'])
  assert.deepEqual(busCalls(controller, 'dea.stop'), [{ name: 'dea.stop', values: [{ droplet: appGuid }] }])
  assert.equal((await admin.post(`/v3/apps/${appGuid}/actions/stop`)).status, 200)
  assert.deepEqual(busCalls(controller, 'dea.stop'), [])
})

test('what runs keeps the variables and droplet of its revision until it is restarted', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid, dropletGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  await admin.patch(`/v3/apps/${appGuid}/environment_variables`, { var: { MODE: 'new' } })
  const other = await givenDroplet(controller, appGuid)
  await admin.patch(`/v3/apps/${appGuid}/relationships/current_droplet`, { data: { guid: other } })
  busCalls(controller)
  await admin.post(`/v3/apps/${appGuid}/processes/web/actions/scale`, { instances: 2 })
  const [grown] = busCalls(controller, 'dea.start')
  assert.deepEqual(
    grown?.values[0].map((message: { index: number }) => message.index),
    [1],
  )
  assert.deepEqual(grown?.values[0][0].env, ['CF_PROCESS_TYPE=web'])
  assert.ok(grown?.values[0][0].executableUri.includes(dropletGuid))

  await admin.post(`/v3/apps/${appGuid}/actions/restart`)
  const [restarted] = busCalls(controller, 'dea.start')
  assert.deepEqual(restarted?.values[0][0].env, ['MODE=new', 'CF_PROCESS_TYPE=web'])
  assert.ok(restarted?.values[0][0].executableUri.includes(other))
  const { body } = await admin.get(`/v3/apps/${appGuid}/revisions?order_by=-created_at&versions=2`)
  assert.equal(body.resources[0].description, 'New droplet deployed. New environment variables deployed.')
})

test('a current droplet brings processes for its types and its sidecars, and takes none away', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const path = `/v3/apps/${guid}/relationships/current_droplet`
  assert.equal((await admin.get(path)).body.errors[0].detail, 'Droplet not found')
  const first = await givenDroplet(controller, guid, {
    process_types: JSON.stringify({ web: 'a', worker: 'b' }),
    sidecars: JSON.stringify([{ name: 'agent', command: './agent', process_types: ['web'], memory: 16 }]),
  })
  const answer = await admin.patch(path, { data: { guid: first } })
  const expected = {
    data: { guid: first },
    links: {
      self: { href: `http://api.example.org${path}` },
      related: { href: `http://api.example.org/v3/apps/${guid}/droplets/current` },
    },
  }
  assert.deepEqual([answer.status, answer.body], [200, expected])
  assert.deepEqual((await admin.get(path)).body, expected)
  const second = await givenDroplet(controller, guid, { process_types: JSON.stringify({ web: 'a', clock: 'c' }) })
  await admin.patch(path, { data: { guid: second } })
  const processes = await admin.get(`/v3/apps/${guid}/processes`)
  assert.deepEqual(
    processes.body.resources.map((process: Record<string, unknown>) => {
      const check = process.health_check as { type: string }
      return [process.type, process.instances, check.type]
    }),
    [
      ['web', 1, 'port'],
      ['worker', 0, 'process'],
      ['clock', 0, 'process'],
    ],
  )
  assert.deepEqual((await admin.get(`/v3/apps/${guid}/sidecars`)).body.resources, [])
})

test('a current droplet must be the app’s own, staged, and no deployment may be under way', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid, 'one')
  const other = await givenApp(controller, spaceGuid, 'two')
  const foreign = await givenDroplet(controller, other.guid)
  const empty = await givenDroplet(controller, app.guid, { process_types: null })
  const detail = async (body: unknown) =>
    (await admin.patch(`/v3/apps/${app.guid}/relationships/current_droplet`, body)).body.errors[0].detail
  const unassignable = 'Unable to assign current droplet. Ensure the droplet exists and belongs to this app.'
  assert.equal(await detail({ data: null }), 'Current droplet cannot be removed. Replace it with a preferred droplet.')
  assert.equal(await detail({}), unassignable)
  assert.equal(await detail({ data: { guid: foreign } }), unassignable)
  assert.match(await detail({ data: { guid: empty } }), /^Unable to create process types for this app's droplet\./)
})

test('who may start, stop and restart an app', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, place.spaceGuid)
  const clients = await clientsOfAllRoles(controller, place)
  const managers = { ...all(spaceReaders, 403), admin: 200, space_developer: 200, space_supporter: 200 }
  for (const action of ['start', 'restart', 'stop'])
    await assertRoleTable(clients, (client) => client.post(`/v3/apps/${appGuid}/actions/${action}`), managers, 404)
})

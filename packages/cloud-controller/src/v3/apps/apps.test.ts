import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenApp, givenSpace } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { testController } from '../../testing/test-controller.ts'

const inSpace = (guid: string) => ({ relationships: { space: { data: { guid } } } })

test('POST /v3/apps answers 201 with a stopped app, which has a web process of its own guid', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { status, body } = await admin.post('/v3/apps', {
    name: 'hello',
    ...inSpace(spaceGuid),
    environment_variables: { SECRET: 'x' },
    metadata: { labels: { tier: 'gold' }, annotations: { contact: 'ops' } },
  })
  assert.equal(status, 201)
  const at = (path: string) => ({ href: `http://api.example.org/v3/apps/${body.guid}${path}` })
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'hello',
    state: 'STOPPED',
    lifecycle: { type: 'buildpack', data: { buildpacks: [], stack: 'cflinuxfs4' } },
    relationships: { space: { data: { guid: spaceGuid } }, current_droplet: { data: { guid: null } } },
    metadata: { labels: { tier: 'gold' }, annotations: { contact: 'ops' } },
    links: {
      self: at(''),
      environment_variables: at('/environment_variables'),
      space: { href: `http://api.example.org/v3/spaces/${spaceGuid}` },
      processes: at('/processes'),
      packages: at('/packages'),
      current_droplet: at('/droplets/current'),
      droplets: at('/droplets'),
      tasks: at('/tasks'),
      start: { ...at('/actions/start'), method: 'POST' },
      stop: { ...at('/actions/stop'), method: 'POST' },
      clear_buildpack_cache: { ...at('/actions/clear_buildpack_cache'), method: 'POST' },
      revisions: at('/revisions'),
      deployed_revisions: at('/revisions/deployed'),
      features: at('/features'),
    },
  })
  const processes = await admin.get(`/v3/apps/${body.guid}/processes`)
  assert.deepEqual(
    processes.body.resources.map((process: { guid: string; type: string; instances: number }) => [
      process.guid,
      process.type,
      process.instances,
    ]),
    [[body.guid, 'web', 1]],
  )
  const events = await db.selectFrom('audit_events').selectAll().where('target_guid', '=', body.guid).execute()
  assert.deepEqual(
    events.map((event) => event.type),
    ['audit.app.process.create', 'audit.app.create'],
  )
  assert.equal(JSON.parse(events[1]?.data ?? '').request.environment_variables, '[PRIVATE DATA HIDDEN]')
})

test('POST /v3/apps says what is wrong with the body before it looks for the space', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const faults = async (body: unknown) => {
    const answer = await admin.post('/v3/apps', body)
    assert.equal(answer.status, 422)
    assert.equal(answer.body.errors[0].code, 10008)
    return answer.body.errors[0].detail
  }
  const relationships = { space: { data: { guid: 'nowhere' } } }
  assert.equal(
    await faults({ wheels: 4, name: 7, relationships: { space: 'x' } }),
    `Unknown field(s): 'wheels', Relationships Space must be structured like this: "space: {"data": {"guid": "valid-guid"}}", Name must be a string`,
  )
  assert.equal(
    await faults({ wheels: 4, relationships, metadata: 5 }),
    "Metadata must be an object, Unknown field(s): 'wheels', Name must be a string",
  )
  assert.equal(
    await faults({ name: 'a', relationships: { space: { data: null } } }),
    'Invalid space. Ensure that the space exists and you have access to it.',
  )
  assert.equal(await faults({ name: 'a'.repeat(256), relationships }), 'Name is too long (maximum is 255 characters)')
  assert.equal(
    await faults({ name: 'a', relationships, environment_variables: { VCAP_X: '1', PORT: '2' } }),
    'Environment variables cannot start with VCAP_, Environment variables cannot set PORT',
  )
  assert.equal(
    await faults({ name: 'a', relationships, lifecycle: { type: 'kubernetes', data: {} } }),
    'Lifecycle type is not included in the list: buildpack, docker, cnb',
  )
  assert.equal(
    await faults({ name: 'a', relationships }),
    'Invalid space. Ensure that the space exists and you have access to it.',
  )
})

test('an app name is unique in its space, with the error that clients match on', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  await givenApp(controller, spaceGuid, 'hello')
  const other = await givenApp(controller, spaceGuid, 'other')
  const expected = { code: 10016, title: 'CF-UniquenessError', detail: "App with the name 'hello' already exists." }
  const again = await admin.post('/v3/apps', { name: 'hello', ...inSpace(spaceGuid) })
  assert.equal(again.status, 422)
  assert.deepEqual(again.body.errors, [expected])
  const renamed = await admin.patch(`/v3/apps/${other.guid}`, { name: 'hello' })
  assert.deepEqual([renamed.status, renamed.body.errors], [422, [expected]])
})

test('a lifecycle must name known buildpacks and stacks, and can not change its type', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const create = (lifecycle: unknown) => admin.post('/v3/apps', { name: 'hello', ...inSpace(spaceGuid), lifecycle })
  const unknown = await create({ type: 'buildpack', data: { buildpacks: ['nope'], stack: null } })
  assert.equal(
    unknown.body.errors[0].detail,
    'Buildpack "nope" for stack "cflinuxfs4" must be an existing admin buildpack or a valid git URI',
  )
  const stackless = await create({ type: 'buildpack', data: { stack: 'windows' } })
  assert.equal(stackless.body.errors[0].detail, 'Stack must be an existing stack')
  const docker = await create({ type: 'docker', data: {} })
  assert.deepEqual([docker.status, docker.body.errors[0].code], [403, 330002])

  const custom = 'https://user:secret@git.example.org/my.git'
  const created = await create({ type: 'buildpack', data: { buildpacks: [custom] } })
  assert.deepEqual(created.body.lifecycle.data.buildpacks, ['https://***:***@git.example.org/my.git'])
  const changed = await admin.patch(`/v3/apps/${created.body.guid}`, { lifecycle: { type: 'docker', data: {} } })
  assert.equal(changed.body.errors[0].detail, 'Lifecycle type cannot be changed from buildpack to docker')
  const cleared = await admin.patch(`/v3/apps/${created.body.guid}`, { lifecycle: { data: { buildpacks: [] } } })
  assert.deepEqual(cleared.body.lifecycle, { type: 'buildpack', data: { buildpacks: [], stack: 'cflinuxfs4' } })
})

test('a stack on its way out warns, and one that takes no new apps refuses', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  await db.updateTable('stacks').set({ state: 'DEPRECATED', state_reason: 'Old & tired.' }).execute()
  const warned = await admin.post('/v3/apps', { name: 'hello', ...inSpace(spaceGuid) })
  assert.equal(warned.status, 201)
  assert.equal(
    warned.headers.get('x-cf-warnings'),
    'WARNING%3A+The+stack+%27cflinuxfs4%27+is+%27DEPRECATED%27+and+will+be+removed+in+the+future.+Old+%26+tired.',
  )
  await db.updateTable('stacks').set({ state: 'RESTRICTED', state_reason: null }).execute()
  const refused = await admin.post('/v3/apps', { name: 'other', ...inSpace(spaceGuid) })
  assert.equal(
    refused.body.errors[0].detail,
    "ERROR: Staging failed. The stack 'cflinuxfs4' is 'RESTRICTED' and cannot be used for staging.",
  )
})

test('GET /v3/apps filters by name, space, organization, stack and lifecycle, and orders by name and state', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid, organizationGuid } = await givenSpace(controller)
  const other = await givenSpace(controller, { organization: 'other' })
  await givenApp(controller, spaceGuid, 'b')
  const a = await givenApp(controller, spaceGuid, 'a')
  await givenApp(controller, other.spaceGuid, 'c,d')
  await db
    .updateTable('apps')
    .set({ lifecycle_stack: null, desired_state: 'STARTED' })
    .where('guid', '=', a.guid)
    .execute()
  const names = async (query: string) =>
    (await admin.get(`/v3/apps?${query}`)).body.resources.map((app: { name: string }) => app.name)
  assert.deepEqual(await names(''), ['b', 'a', 'c,d'])
  assert.deepEqual(await names('order_by=-name'), ['c,d', 'b', 'a'])
  assert.deepEqual((await names('order_by=state'))[0], 'a')
  assert.deepEqual(await names('names=a,c%252Cd&order_by=name'), ['a', 'c,d'])
  assert.deepEqual(await names(`space_guids=${spaceGuid}&order_by=name`), ['a', 'b'])
  assert.deepEqual(await names(`organization_guids=${organizationGuid}&order_by=name`), ['a', 'b'])
  assert.deepEqual(await names('stacks='), ['a'])
  assert.deepEqual(await names('stacks=cflinuxfs4&order_by=name'), ['b', 'c,d'])
  assert.deepEqual(await names('lifecycle_type=docker'), [])
  const refused = await admin.get('/v3/apps?lifecycle_type=vm')
  assert.equal(refused.body.errors[0].detail, "The query parameter is invalid: Invalid lifecycle_type: 'vm'")
})

test('the number of SQL statements of GET /v3/apps does not grow with its rows', async (t) => {
  const controller = await testController(t)
  const { admin, countStatements } = controller
  const { spaceGuid } = await givenSpace(controller)
  await givenApp(controller, spaceGuid, 'first')
  countStatements()
  await admin.get('/v3/apps')
  const one = countStatements()
  for (let number = 0; number < 10; number++) await givenApp(controller, spaceGuid, `app-${number}`)
  countStatements()
  await admin.get('/v3/apps')
  assert.equal(countStatements(), one)
})

test('who may read, create, change and delete an app', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const app = await givenApp(controller, place.spaceGuid)
  const clients = await clientsOfAllRoles(controller, place)
  const readable = all(spaceReaders, 200)
  await assertRoleTable(clients, (client) => client.get(`/v3/apps/${app.guid}`), readable, 404)
  let number = 0
  await assertRoleTable(
    clients,
    (client) => client.post('/v3/apps', { name: `app-${number++}`, ...inSpace(place.spaceGuid) }),
    { ...all(spaceReaders, 403), admin: 201, space_developer: 201 },
    422,
  )
  await assertRoleTable(
    clients,
    (client) => client.patch(`/v3/apps/${app.guid}`, { metadata: { labels: { a: 'b' } } }),
    { ...all(spaceReaders, 403), admin: 200, space_developer: 200 },
    404,
  )
  await assertRoleTable(
    clients,
    (client) => client.delete(`/v3/apps/${app.guid}`),
    { ...all(spaceReaders, 403), admin: 202, space_developer: 202 },
    404,
  )
  const permissions = async (who: keyof typeof clients) =>
    (await clients[who].get(`/v3/apps/${app.guid}/permissions`)).body
  assert.deepEqual(await permissions('space_developer'), { read_basic_data: true, read_sensitive_data: true })
  assert.deepEqual(await permissions('space_auditor'), { read_basic_data: true, read_sensitive_data: false })
})

test('include brings the space and its organization, once each', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid, organizationGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid, 'a')
  await givenApp(controller, spaceGuid, 'b')
  const { body } = await admin.get('/v3/apps?include=space.organization')
  const guids = (resources: Array<{ guid: string }>) => resources.map(({ guid }) => guid)
  assert.deepEqual(guids(body.included.spaces), [spaceGuid])
  assert.deepEqual(guids(body.included.organizations), [organizationGuid])
  const shown = await admin.get(`/v3/apps/${app.guid}?include=space`)
  assert.deepEqual(guids(shown.body.included.spaces), [spaceGuid])
  const refused = await admin.get(`/v3/apps/${app.guid}?include=droplet`)
  assert.equal(refused.status, 400)
  assert.match(refused.body.errors[0].detail, /Valid included resources are: 'space', 'org', 'space\.organization'/)
})

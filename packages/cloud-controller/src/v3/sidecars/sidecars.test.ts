import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenApp, givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { testController } from '../../testing/test-controller.ts'

const proxy = { name: 'proxy', command: './proxy', process_types: ['web', 'worker'], memory_in_mb: 64 }

test('a sidecar is created, shown, changed and deleted', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const { status, body } = await admin.post(`/v3/apps/${guid}/sidecars`, proxy)
  assert.equal(status, 201)
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    ...proxy,
    origin: 'user',
    relationships: { app: { data: { guid } } },
    links: { self: { href: `http://api.example.org/v3/sidecars/${body.guid}` } },
  })
  assert.deepEqual((await admin.get(`/v3/sidecars/${body.guid}`)).body, body)
  const changed = await admin.patch(`/v3/sidecars/${body.guid}`, { process_types: ['web'], memory_in_mb: null })
  assert.deepEqual([changed.status, changed.body.process_types, changed.body.memory_in_mb], [200, ['web'], null])
  assert.equal((await admin.delete(`/v3/sidecars/${body.guid}`)).status, 204)
  assert.equal((await admin.get(`/v3/sidecars/${body.guid}`)).body.errors[0].detail, 'Sidecar not found')
})

test('a process lists the sidecars of its type only', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid, { processTypes: { web: 'a', 'web-2': 'b' } })
  await admin.post(`/v3/apps/${appGuid}/sidecars`, { ...proxy, process_types: ['web-2'] })
  const listed = async (path: string) =>
    (await admin.get(path)).body.resources.map((sidecar: { name: string }) => sidecar.name)
  const other = (await admin.get(`/v3/apps/${appGuid}/processes/web-2`)).body.guid
  assert.deepEqual(await listed(`/v3/apps/${appGuid}/sidecars`), ['proxy'])
  assert.deepEqual(await listed(`/v3/processes/${other}/sidecars`), ['proxy'])
  assert.deepEqual(await listed(`/v3/processes/${appGuid}/sidecars`), [])
})

test('a sidecar needs a free name, a type and less memory than its process', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const detail = async (body: unknown) => (await admin.post(`/v3/apps/${guid}/sidecars`, body)).body.errors[0].detail
  assert.equal(
    await detail({ name: 'x', process_types: [] }),
    "Command can't be blank, Command must be a string, Process types must have at least 1 process_type",
  )
  assert.equal(
    await detail({ ...proxy, process_types: null }),
    'Process types must be an array, Process types must have at least 1 process_type',
  )
  const tooLarge = 'The memory allocation defined is too large to run with the dependent "web" process'
  assert.equal(await detail({ ...proxy, memory_in_mb: 1024 }), tooLarge)
  const { body } = await admin.post(`/v3/apps/${guid}/sidecars`, proxy)
  assert.equal(await detail(proxy), "Sidecar with name 'proxy' already exists for given app")
  const enlarged = await admin.patch(`/v3/sidecars/${body.guid}`, { memory_in_mb: 1024 })
  assert.deepEqual([enlarged.status, enlarged.body.errors[0].detail], [422, tooLarge])
  assert.equal((await admin.patch(`/v3/sidecars/${body.guid}`, { memory_in_mb: 1023 })).status, 200)
})

test('who may read and change sidecars', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const { guid } = await givenApp(controller, place.spaceGuid)
  const { body } = await controller.admin.post(`/v3/apps/${guid}/sidecars`, proxy)
  const clients = await clientsOfAllRoles(controller, place)
  const path = `/v3/sidecars/${body.guid}`
  await assertRoleTable(clients, (client) => client.get(path), all(spaceReaders, 200), 404)
  await assertRoleTable(
    clients,
    (client) => client.patch(path, { command: 'x' }),
    { ...all(spaceReaders, 403), ...all(['admin', 'space_developer'], 200) },
    404,
  )
})

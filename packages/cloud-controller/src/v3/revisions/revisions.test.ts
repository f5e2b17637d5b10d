import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'

async function givenRunningApp(controller: TestController) {
  const place = await givenSpace(controller)
  const app = await givenStartableApp(controller, place.spaceGuid)
  await controller.admin.post(`/v3/apps/${app.appGuid}/actions/start`)
  return { ...place, ...app }
}

const newest = async ({ admin }: TestController, appGuid: string) =>
  (await admin.get(`/v3/apps/${appGuid}/revisions?per_page=500`)).body.resources.at(-1)

test('the first start makes a revision, which keeps droplet, commands and sidecars', async (t) => {
  const controller = await testController(t)
  const { appGuid, dropletGuid } = await givenRunningApp(controller)
  const revision = await newest(controller, appGuid)
  const at = (path: string) => ({ href: `http://api.example.org/v3/revisions/${revision.guid}${path}` })
  assert.deepEqual(revision, {
    guid: revision.guid,
    created_at: revision.created_at,
    updated_at: revision.created_at,
    version: 1,
    droplet: { guid: dropletGuid },
    processes: { web: { command: null } },
    sidecars: [],
    description: 'Initial revision.',
    deployable: true,
    relationships: { app: { data: { guid: appGuid } } },
    metadata: { labels: {}, annotations: {} },
    links: {
      self: at(''),
      app: { href: `http://api.example.org/v3/apps/${appGuid}` },
      environment_variables: at('/environment_variables'),
    },
  })
  assert.deepEqual((await controller.admin.get(`/v3/revisions/${revision.guid}`)).body, revision)
})

test('a restart makes a revision only when something has changed, and says what', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { appGuid } = await givenRunningApp(controller)
  const restarted = async () => {
    await admin.post(`/v3/apps/${appGuid}/actions/restart`)
    const { version, description } = await newest(controller, appGuid)
    return [version, description]
  }
  assert.deepEqual(await restarted(), [1, 'Initial revision.'])
  await admin.patch(`/v3/processes/${appGuid}`, { command: 'x' })
  await admin.patch(`/v3/apps/${appGuid}/environment_variables`, { var: { A: '1' } })
  assert.deepEqual(await restarted(), [
    2,
    "Custom start command added for 'web' process. New environment variables deployed.",
  ])
  await admin.patch(`/v3/processes/${appGuid}`, { command: 'y' })
  await admin.post(`/v3/apps/${appGuid}/sidecars`, { name: 's', command: 'c', process_types: ['web'] })
  assert.deepEqual(await restarted(), [3, "Custom start command updated for 'web' process. Sidecars updated."])
  await admin.patch(`/v3/processes/${appGuid}`, { command: null })
  assert.deepEqual(await restarted(), [4, "Custom start command removed for 'web' process."])
  assert.deepEqual(await restarted(), [4, "Custom start command removed for 'web' process."])
})

test('no revision is made while the feature is off', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.patch(`/v3/apps/${appGuid}/features/revisions`, { enabled: false })
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  assert.deepEqual((await admin.get(`/v3/apps/${appGuid}/revisions`)).body.resources, [])
})

test('version numbers begin again after 9999, and only the newest hundred stay', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { appGuid } = await givenRunningApp(controller)
  const first = await db.selectFrom('revisions').selectAll().executeTakeFirstOrThrow()
  await db.updateTable('revisions').set({ version: 2 }).execute()
  for (let version = 9_901; version <= 9_999; version++) {
    const { id, ...rest } = first
    await db
      .insertInto('revisions')
      .values({ ...rest, guid: `revision-${version}`, version })
      .execute()
  }
  await admin.patch(`/v3/apps/${appGuid}/environment_variables`, { var: { A: '1' } })
  await admin.post(`/v3/apps/${appGuid}/actions/restart`)
  const { version } = await newest(controller, appGuid)
  assert.equal(version, 1)
  const kept = await db.selectFrom('revisions').select('guid').execute()
  assert.equal(kept.length, 100)
  assert.ok(!kept.some((revision) => revision.guid === first.guid))
})

test('revisions are filtered by version and by whether their droplet is still there', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { appGuid } = await givenRunningApp(controller)
  const count = async (query: string) =>
    (await admin.get(`/v3/apps/${appGuid}/revisions?${query}`)).body.pagination.total_results
  assert.deepEqual([await count('versions=1'), await count('versions=2')], [1, 0])
  assert.deepEqual([await count('deployable=true'), await count('deployable=false')], [1, 0])
  await db.updateTable('droplets').set({ state: 'EXPIRED' }).execute()
  assert.deepEqual([await count('deployable=true'), await count('deployable=false')], [0, 1])
  assert.equal((await newest(controller, appGuid)).deployable, false)
})

test('deployed revisions are those that started processes run', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { appGuid } = await givenRunningApp(controller)
  await admin.patch(`/v3/apps/${appGuid}/environment_variables`, { var: { A: '1' } })
  await admin.post(`/v3/apps/${appGuid}/actions/restart`)
  const versions = async () =>
    (await admin.get(`/v3/apps/${appGuid}/revisions/deployed`)).body.resources.map(
      (revision: { version: number }) => revision.version,
    )
  assert.deepEqual(await versions(), [2])
  await admin.post(`/v3/apps/${appGuid}/actions/stop`)
  assert.deepEqual(await versions(), [])
})

test('who may see a revision, its variables, and change its metadata', async (t) => {
  const controller = await testController(t)
  const place = await givenRunningApp(controller)
  const { guid } = await newest(controller, place.appGuid)
  const clients = await clientsOfAllRoles(controller, place)
  const path = `/v3/revisions/${guid}`
  await assertRoleTable(clients, (client) => client.get(path), all(spaceReaders, 200), 404)
  await assertRoleTable(
    clients,
    (client) => client.get(`${path}/environment_variables`),
    { ...all(spaceReaders, 403), ...all(['admin', 'admin_read_only', 'space_developer'], 200) },
    404,
  )
  await assertRoleTable(
    clients,
    (client) => client.patch(path, { metadata: { labels: { a: 'b' } } }),
    { ...all(spaceReaders, 403), ...all(['admin', 'space_developer'], 200) },
    404,
  )
})

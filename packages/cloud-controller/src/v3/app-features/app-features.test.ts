import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenApp, givenSpace } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { testController } from '../../testing/test-controller.ts'

test('features are listed on one page and can be switched', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const href = `http://api.example.org/v3/apps/${guid}/features`
  assert.deepEqual((await admin.get(`/v3/apps/${guid}/features`)).body, {
    resources: [
      { name: 'ssh', description: 'Enable SSHing into the app.', enabled: true },
      { name: 'revisions', description: 'Enable versioning of an application', enabled: true },
      { name: 'service-binding-k8s', description: 'Enable k8s service bindings for the app', enabled: false },
      {
        name: 'file-based-vcap-services',
        description: 'Enable file-based VCAP service bindings for the app',
        enabled: false,
      },
    ],
    pagination: { total_results: 4, total_pages: 1, first: { href }, last: { href }, next: null, previous: null },
  })
  const changed = await admin.patch(`/v3/apps/${guid}/features/revisions`, { enabled: false })
  const expected = { name: 'revisions', description: 'Enable versioning of an application', enabled: false }
  assert.deepEqual([changed.status, changed.body], [200, expected])
  assert.deepEqual((await admin.get(`/v3/apps/${guid}/features/revisions`)).body, expected)
})

test('an unknown feature, a value that is no boolean and an impossible pair are refused', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  assert.equal((await admin.get(`/v3/apps/${guid}/features/x`)).body.errors[0].detail, 'Feature not found')
  const text = await admin.patch(`/v3/apps/${guid}/features/ssh`, { enabled: 'yes' })
  assert.deepEqual([text.status, text.body.errors[0].detail], [422, 'Enabled must be a boolean'])
  await admin.patch(`/v3/apps/${guid}/features/service-binding-k8s`, { enabled: true })
  const both = await admin.patch(`/v3/apps/${guid}/features/file-based-vcap-services`, { enabled: true })
  assert.equal(
    both.body.errors[0].detail,
    "'file-based-vcap-services' and 'service-binding-k8s' features cannot be enabled at the same time.",
  )
})

test('ssh_enabled names what stands in the way: platform, space or app', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid } = await givenApp(controller, spaceGuid)
  const status = async () => (await admin.get(`/v3/apps/${guid}/ssh_enabled`)).body
  assert.deepEqual(await status(), { enabled: true, reason: '' })
  await admin.patch(`/v3/apps/${guid}/features/ssh`, { enabled: false })
  assert.deepEqual(await status(), { enabled: false, reason: 'ssh is disabled for app' })
  await db.updateTable('spaces').set({ allow_ssh: 0 }).execute()
  assert.deepEqual(await status(), { enabled: false, reason: "ssh is disabled for space 'dev'" })
})

test('who may switch a feature: revisions more people than the others', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const { guid } = await givenApp(controller, place.spaceGuid)
  const clients = await clientsOfAllRoles(controller, place)
  await assertRoleTable(clients, (client) => client.get(`/v3/apps/${guid}/features/ssh`), all(spaceReaders, 200), 404)
  await assertRoleTable(
    clients,
    (client) => client.patch(`/v3/apps/${guid}/features/ssh`, { enabled: true }),
    { ...all(spaceReaders, 403), ...all(['admin', 'space_developer'], 200) },
    404,
  )
  await assertRoleTable(
    clients,
    (client) => client.patch(`/v3/apps/${guid}/features/revisions`, { enabled: true }),
    { ...all(spaceReaders, 403), ...all(['admin', 'space_developer', 'space_supporter'], 200) },
    404,
  )
})

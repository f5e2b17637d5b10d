import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeatureFlagName } from '../../actions/feature-flags.ts'
import { sealVariables } from '../../dea/sealed-variables.ts'
import { givenApp, givenSpace } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'

const time = '2026-01-01T00:00:00.000Z'
const identity = (guid: string) => ({ guid, created_at: time, updated_at: time })

async function switchOff({ db }: TestController, name: FeatureFlagName): Promise<void> {
  await db
    .insertInto('feature_flags')
    .values({ name, enabled: 0, custom_error_message: null, updated_at: time })
    .execute()
}

test('GET /v3/apps/:guid/env shows what an instance would get from everywhere', async (t) => {
  const controller = await testController(t)
  const { admin, db, settings } = controller
  const { spaceGuid, organizationGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  await admin.patch(`/v3/apps/${app.guid}/environment_variables`, { var: { MODE: 'fast' } })
  for (const name of ['running', 'staging'] as const)
    await admin.patch(`/v3/environment_variable_groups/${name}`, { var: { GROUP: name } })
  const credentials = sealVariables(settings, { uri: 'mysql://u:p@db.example.org/x' })
  await db
    .insertInto('service_instances')
    .values({
      ...identity('instance'),
      name: 'my-db',
      space_guid: spaceGuid,
      type: 'user-provided',
      sealed_credentials: credentials,
      syslog_drain_url: null,
      route_service_url: null,
      tags: '["sql"]',
    })
    .execute()
  await db
    .insertInto('service_credential_bindings')
    .values({
      ...identity('binding'),
      type: 'app',
      name: null,
      app_guid: app.guid,
      service_instance_guid: 'instance',
      sealed_credentials: credentials,
      syslog_drain_url: null,
    })
    .execute()
  const { status, body } = await admin.get(`/v3/apps/${app.guid}/env`)
  assert.equal(status, 200)
  assert.deepEqual(body, {
    environment_variables: { MODE: 'fast' },
    staging_env_json: { GROUP: 'staging' },
    running_env_json: { GROUP: 'running' },
    system_env_json: {
      VCAP_SERVICES: {
        'user-provided': [
          {
            label: 'user-provided',
            name: 'my-db',
            tags: ['sql'],
            instance_guid: 'instance',
            instance_name: 'my-db',
            binding_guid: 'binding',
            binding_name: null,
            credentials: { uri: 'mysql://u:p@db.example.org/x' },
            syslog_drain_url: null,
            volume_mounts: [],
          },
        ],
      },
    },
    application_env_json: {
      VCAP_APPLICATION: {
        cf_api: 'http://api.example.org',
        limits: { fds: 16384 },
        application_id: app.guid,
        application_name: 'hello',
        application_uris: [],
        name: 'hello',
        space_name: 'dev',
        space_id: spaceGuid,
        organization_id: organizationGuid,
        organization_name: 'acme',
        uris: [],
        users: null,
      },
    },
  })
  const shown = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', 'audit.app.environment.show')
    .execute()
  assert.equal(shown.length, 1)
})

test('environment variables are merged, null removes one, and the event hides them', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  const path = `/v3/apps/${app.guid}/environment_variables`
  await admin.patch(path, { var: { A: '1', B: '2' } })
  const { status, body } = await admin.patch(path, { var: { A: null, C: '' } })
  const expected = {
    var: { B: '2', C: '' },
    links: {
      self: { href: `http://api.example.org${path}` },
      app: { href: `http://api.example.org/v3/apps/${app.guid}` },
    },
  }
  assert.deepEqual([status, body], [200, expected])
  assert.deepEqual((await admin.get(path)).body, expected)
  const event = await db
    .selectFrom('audit_events')
    .selectAll()
    .orderBy('id', 'desc')
    .where('type', '=', 'audit.app.update')
    .executeTakeFirst()
  assert.deepEqual(JSON.parse(event?.data ?? ''), { request: { environment_variables: '[PRIVATE DATA HIDDEN]' } })
  const sealed = await db.selectFrom('apps').select('sealed_environment_variables').executeTakeFirstOrThrow()
  assert.doesNotMatch(sealed.sealed_environment_variables, /"B"/)
})

test('variables that Cloud Foundry sets itself, and values that are no text, are refused', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  const detail = async (body: unknown) =>
    (await admin.patch(`/v3/apps/${app.guid}/environment_variables`, body)).body.errors[0].detail
  assert.equal(await detail({ var: { vcap_x: '1' } }), 'Var cannot start with VCAP_')
  assert.equal(await detail({ var: { VMC_X: '1' } }), 'Var cannot start with VMC_')
  assert.equal(await detail({ var: { PORT: '1' } }), 'Var cannot set PORT')
  assert.equal(await detail({ var: { '': '1' } }), 'Var key must be a minimum length of 1')
  assert.equal(await detail({ var: 'x' }), 'Var must be an object')
  assert.equal(await detail({ var: { A: [1] } }), "Non-string value in environment variable for key 'A', value '[1]'")
})

test('two feature flags hide environments: one from everybody, one from all but admins', async (t) => {
  const controller = await testController(t)
  const { admin, withRole, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  const developer = await withRole({ type: 'space_developer', space: spaceGuid })
  await switchOff(controller, 'space_developer_env_var_visibility')
  const refused = await developer.get(`/v3/apps/${app.guid}/env`)
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [403, 'Feature Disabled: space_developer_env_var_visibility'],
  )
  assert.equal((await admin.get(`/v3/apps/${app.guid}/env`)).status, 200)
  await db.deleteFrom('feature_flags').execute()
  await switchOff(controller, 'env_var_visibility')
  assert.equal((await admin.get(`/v3/apps/${app.guid}/environment_variables`)).status, 403)
})

test('who may read and change an environment; a supporter sees no services', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const app = await givenApp(controller, place.spaceGuid)
  const clients = await clientsOfAllRoles(controller, place)
  const readers = {
    ...all(spaceReaders, 403),
    ...all(['admin', 'admin_read_only', 'space_developer', 'space_supporter'], 200),
  }
  await assertRoleTable(clients, (client) => client.get(`/v3/apps/${app.guid}/env`), readers, 404)
  await assertRoleTable(clients, (client) => client.get(`/v3/apps/${app.guid}/environment_variables`), readers, 404)
  await assertRoleTable(
    clients,
    (client) => client.patch(`/v3/apps/${app.guid}/environment_variables`, { var: {} }),
    { ...all(spaceReaders, 403), ...all(['admin', 'space_developer', 'space_supporter'], 200) },
    404,
  )
  const supporter = await clients.space_supporter.get(`/v3/apps/${app.guid}/env`)
  assert.deepEqual(supporter.body.system_env_json, { redacted_message: '[PRIVATE DATA HIDDEN]' })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
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

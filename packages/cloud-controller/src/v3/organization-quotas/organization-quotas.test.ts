import assert from 'node:assert/strict'
import { test } from 'node:test'
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

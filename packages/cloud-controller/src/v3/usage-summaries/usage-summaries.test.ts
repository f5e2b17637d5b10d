import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

test('the usage of an organization is that of its spaces, and counts what is started', async (t) => {
  const { admin, db, withRole, as } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const organization = { data: { guid: org.guid } }
  const { body: dev } = await admin.post('/v3/spaces', { name: 'dev', relationships: { organization } })
  const { body: prod } = await admin.post('/v3/spaces', { name: 'prod', relationships: { organization } })
  await admin.post('/v3/domains', { name: 'acme.example.org', relationships: { organization } })
  const { guid: domain } = await db
    .selectFrom('domains')
    .select('guid')
    .where('name', '=', 'apps.localhost')
    .executeTakeFirstOrThrow()
  for (const [name, space] of [
    ['web', dev],
    ['api', prod],
    ['stopped', dev],
  ] as const) {
    const { body: app } = await admin.post('/v3/apps', {
      name,
      relationships: { space: { data: { guid: space.guid } } },
    })
    await db
      .updateTable('processes')
      .set({ state: name === 'stopped' ? 'STOPPED' : 'STARTED', instances: 3, memory_in_mb: 64 })
      .where('app_guid', '=', app.guid)
      .execute()
  }
  await admin.post('/v3/routes', {
    host: 'web',
    relationships: { space: { data: { guid: dev.guid } }, domain: { data: { guid: domain } } },
  })

  const usage = { service_instances: 0, reserved_ports: 0, domains: 1, per_app_tasks: 0, service_keys: 0 }
  const ofSpace = (guid: string, routes: number) => ({
    usage_summary: { started_instances: 3, memory_in_mb: 192, routes, ...usage },
    links: {
      self: { href: `http://api.example.org/v3/spaces/${guid}/usage_summary` },
      space: { href: `http://api.example.org/v3/spaces/${guid}` },
    },
  })
  assert.deepEqual((await admin.get(`/v3/spaces/${dev.guid}/usage_summary`)).body, ofSpace(dev.guid, 1))
  const auditor = await withRole({ type: 'space_auditor', space: prod.guid })
  assert.deepEqual((await auditor.get(`/v3/spaces/${prod.guid}/usage_summary`)).body, ofSpace(prod.guid, 0))
  assert.equal((await auditor.get(`/v3/spaces/${dev.guid}/usage_summary`)).status, 404)
  assert.deepEqual((await auditor.get(`/v3/organizations/${org.guid}/usage_summary`)).body, {
    usage_summary: { started_instances: 6, memory_in_mb: 384, routes: 1, ...usage },
    links: {
      self: { href: `http://api.example.org/v3/organizations/${org.guid}/usage_summary` },
      organization: { href: `http://api.example.org/v3/organizations/${org.guid}` },
    },
  })
  assert.equal((await (await as()).get(`/v3/organizations/${org.guid}/usage_summary`)).status, 404)
})

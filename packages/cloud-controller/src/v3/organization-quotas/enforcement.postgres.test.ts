import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { type Answer, testController } from '../../testing/test-controller.ts'
import { postgresUrl } from '../../testing/test-database.ts'

/* On SQLite one transaction waits for the other anyway. */
const skip = postgresUrl === undefined && 'VCAP_TEST_POSTGRES_URL names no PostgreSQL server'

test('of two Cloud Controllers that are asked at once for what only fits once, one refuses', { skip }, async (t) => {
  const one = await testController(t)
  const two = await testController(t, { databaseUrl: one.settings.databaseUrl })
  const { admin } = one
  const { spaceGuid, organizationGuid } = await givenSpace(one)
  const relationships = { organizations: { data: [{ guid: organizationGuid }] } }
  const { body: quota } = await admin.post('/v3/organization_quotas', { name: 'small', relationships })
  const limit = (limits: object) => admin.patch(`/v3/organization_quotas/${quota.guid}`, limits)
  const apps: string[] = []
  for (const name of ['first', 'second']) {
    const { appGuid } = await givenStartableApp(one, spaceGuid, { name })
    await admin.post(`/v3/processes/${appGuid}/actions/scale`, { memory_in_mb: 10 })
    await admin.post(`/v3/apps/${appGuid}/actions/start`)
    apps.push(appGuid)
  }
  const clients = [one.admin, two.admin]
  const atOnce = async (ask: (client: typeof admin, index: number) => Promise<Answer>): Promise<number[]> =>
    (await Promise.all(clients.map(ask))).map(({ status }) => status).sort()

  for (let round = 1; round <= 5; round += 1) {
    const other = round + 1
    await limit({ apps: { total_memory_in_mb: 10 * (2 * round + 1) } })
    const scaled = await atOnce((client, index) =>
      client.post(`/v3/processes/${apps[index]}/actions/scale`, { instances: other }),
    )
    assert.deepEqual(scaled, [202, 422])
    await limit({ apps: { total_memory_in_mb: null } })
    for (const guid of apps) await admin.post(`/v3/processes/${guid}/actions/scale`, { instances: other })
  }

  const { body: domains } = await admin.get('/v3/domains?names=apps.localhost')
  const place = { space: { data: { guid: spaceGuid } }, domain: { data: { guid: domains.resources[0].guid } } }
  await limit({ routes: { total_routes: 1 }, domains: { total_domains: 1 } })
  const routes = await atOnce((client, index) =>
    client.post('/v3/routes', { host: `host-${index}`, relationships: place }),
  )
  assert.deepEqual(routes, [201, 422])
  const owner = { organization: { data: { guid: organizationGuid } } }
  const made = await atOnce((client, index) =>
    client.post('/v3/domains', { name: `domain-${index}.example.org`, relationships: owner }),
  )
  assert.deepEqual(made, [201, 422])
})

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

const names = (body: { resources: Array<{ name: string }> }): string[] => body.resources.map(({ name }) => name)

/** Groups `open` (globally enabled for running), `dev` (bound to dev for running and staging), `other` (bound to another space). */
async function withGroups(t: TestContext) {
  const controller = await testController(t)
  const { admin, db } = controller
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const relationships = { organization: { data: { guid: org.guid } } }
  const { body: dev } = await admin.post('/v3/spaces', { name: 'dev', relationships })
  const { body: prod } = await admin.post('/v3/spaces', { name: 'prod', relationships })
  const time = { created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z' }
  const rules = '[{"protocol":"all","destination":"10.0.0.0/8"}]'
  for (const name of ['open', 'dev', 'other'])
    await db
      .insertInto('security_groups')
      .values({ ...time, guid: name, name, rules, running_default: name === 'open' ? 1 : 0, staging_default: 0 })
      .execute()
  await db
    .insertInto('security_group_spaces')
    .values([
      { security_group_guid: 'dev', space_guid: dev.guid, lifecycle: 'running' },
      { security_group_guid: 'dev', space_guid: dev.guid, lifecycle: 'staging' },
      { security_group_guid: 'dev', space_guid: prod.guid, lifecycle: 'running' },
      { security_group_guid: 'other', space_guid: prod.guid, lifecycle: 'running' },
    ])
    .execute()
  return { ...controller, dev, prod }
}

test('security groups tell of the spaces that the caller sees', async (t) => {
  const { admin, withRole, as, dev, prod } = await withGroups(t)
  const { body } = await admin.get('/v3/security_groups/dev')
  assert.deepEqual(body, {
    guid: 'dev',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    name: 'dev',
    rules: [{ protocol: 'all', destination: '10.0.0.0/8' }],
    globally_enabled: { running: false, staging: false },
    relationships: {
      running_spaces: { data: [{ guid: dev.guid }, { guid: prod.guid }].sort((a, b) => (a.guid < b.guid ? -1 : 1)) },
      staging_spaces: { data: [{ guid: dev.guid }] },
    },
    links: { self: { href: 'http://api.example.org/v3/security_groups/dev' } },
  })
  const developer = await withRole({ type: 'space_developer', space: dev.guid })
  assert.deepEqual(names((await developer.get('/v3/security_groups')).body), ['open', 'dev'])
  const seen = await developer.get('/v3/security_groups/dev')
  assert.deepEqual(seen.body.relationships.running_spaces.data, [{ guid: dev.guid }])
  assert.equal((await developer.get('/v3/security_groups/other')).body.errors[0].detail, 'Security group not found')
  const stranger = await as()
  assert.deepEqual(names((await stranger.get('/v3/security_groups')).body), ['open'])
})

test('security groups are filtered by name, space and whether they are enabled globally', async (t) => {
  const { admin, dev, prod } = await withGroups(t)
  const listed = async (query: string) => names((await admin.get(`/v3/security_groups?${query}`)).body)
  assert.deepEqual(await listed('names=dev,open'), ['open', 'dev'])
  assert.deepEqual(await listed(`running_space_guids=${prod.guid}`), ['dev', 'other'])
  assert.deepEqual(await listed(`staging_space_guids=${dev.guid}`), ['dev'])
  assert.deepEqual(await listed('globally_enabled_running=true'), ['open'])
  assert.deepEqual(await listed('globally_enabled_running=false&globally_enabled_staging=false'), ['dev', 'other'])
  const refused = await admin.get('/v3/security_groups?globally_enabled_running=maybe')
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [422, "Globally enabled running must be 'true' or 'false'"],
  )
})

test('a space lists what is bound to it and what is enabled globally', async (t) => {
  const { admin, withRole, dev, prod } = await withGroups(t)
  const developer = await withRole({ type: 'space_developer', space: dev.guid })
  const { body } = await developer.get(`/v3/spaces/${dev.guid}/running_security_groups`)
  assert.deepEqual(names(body), ['open', 'dev'])
  assert.deepEqual(body.resources[1].relationships.running_spaces.data, [{ guid: dev.guid }])
  const staging = await admin.get(`/v3/spaces/${dev.guid}/staging_security_groups`)
  assert.deepEqual(names(staging.body), ['dev'])
  assert.deepEqual(staging.body.resources[0].relationships.running_spaces.data, [{ guid: dev.guid }])
  assert.equal((await developer.get(`/v3/spaces/${prod.guid}/running_security_groups`)).status, 404)
  const refused = await admin.get(`/v3/spaces/${dev.guid}/running_security_groups?running_space_guids=x`)
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [422, "Unknown query parameter(s): 'running_space_guids'"],
  )
})

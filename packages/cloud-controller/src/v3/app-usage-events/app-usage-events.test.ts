import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { completeBuild, failBuild, lockStagingBuild } from '../../actions/builds.ts'
import type { Trx } from '../../db/schema.ts'
import { givenApp, givenDroplet, givenReadyPackage, givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles } from '../../testing/role-table.ts'
import { type Answer, testController } from '../../testing/test-controller.ts'

const path = '/v3/app_usage_events'
const purge = `${path}/actions/destructively_purge_all_and_reseed`
type StagingBuild = NonNullable<Awaited<ReturnType<typeof lockStagingBuild>>>
const detail = ({ body }: Answer): string => body.errors[0].detail

/** An app that was started with one instance and scaled to two. */
async function withUsage(t: TestContext) {
  const controller = await testController(t)
  const { admin } = controller
  const place = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, place.spaceGuid)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  await admin.post(`/v3/processes/${appGuid}/actions/scale`, { instances: 2 })
  const events = (await admin.get(path)).body.resources
  return { ...controller, ...place, appGuid, events }
}

test('an event tells what was used before and after a change, and where', async (t) => {
  const { admin, spaceGuid, organizationGuid, appGuid, events } = await withUsage(t)
  assert.equal(events.length, 2)
  const [, scaled] = events
  assert.deepEqual(scaled, {
    guid: scaled.guid,
    created_at: scaled.created_at,
    updated_at: scaled.created_at,
    state: { current: 'STARTED', previous: 'STARTED' },
    app: { guid: appGuid, name: 'hello' },
    process: { guid: appGuid, type: 'web' },
    space: { guid: spaceGuid, name: 'dev' },
    organization: { guid: organizationGuid },
    buildpack: { guid: null, name: 'nodejs_buildpack' },
    task: { guid: null, name: null },
    memory_in_mb_per_instance: { current: 1024, previous: 1024 },
    instance_count: { current: 2, previous: 1 },
    links: { self: { href: `http://api.example.org${path}/${scaled.guid}` } },
  })
  assert.deepEqual((await admin.get(`${path}/${scaled.guid}`)).body, scaled)
  assert.equal(detail(await admin.get(`${path}/nowhere`)), 'App usage event not found')
})

test('a client goes on after the last event that it has seen', async (t) => {
  const { admin, as, events } = await withUsage(t)
  const [first, second] = events
  const after = async (guid: string) => (await admin.get(`${path}?after_guid=${guid}`)).body.resources
  assert.deepEqual(await after(first.guid), [second])
  assert.deepEqual(await after(second.guid), [])
  assert.deepEqual((await admin.get(`${path}?guids=${first.guid}&order_by=-created_at`)).body.resources, [first])

  const cases = [
    ['after_guid=nowhere', 'After guid filter must be a valid app usage event guid.'],
    ['after_guid=a,b', 'After guid filter accepts only one guid'],
    ['updated_ats[gt]=2020-01-01T00:00:00Z', "Filtering by 'updated_ats' is not allowed on this resource."],
    ['order_by=updated_at', "Order by can only be: 'created_at'"],
  ] as const
  for (const [query, expected] of cases) {
    const answer = await admin.get(`${path}?${query}`)
    assert.deepEqual([answer.status, detail(answer)], [422, expected])
  }
  assert.match(
    detail(await admin.get(`${path}?wheels=4`)),
    /^Unknown query parameter\(s\): 'wheels'\. Valid parameters/,
  )
  const stranger = await as()
  assert.equal((await stranger.get(`${path}?after_guid=nowhere`)).body.pagination.total_results, 0)
})

test('purging leaves one event for each process that is started', async (t) => {
  const controller = await withUsage(t)
  const { admin, db, spaceGuid, appGuid, events } = controller
  await givenStartableApp(controller, spaceGuid, { name: 'stopped' })
  const buildpacks = JSON.stringify([{ name: 'https://user:secret@example.org/buildpack.git' }])
  const dropletGuid = await givenDroplet(controller, appGuid, { buildpacks })
  await db.updateTable('apps').set({ droplet_guid: dropletGuid }).where('guid', '=', appGuid).execute()
  const { status, body } = await admin.post(purge)
  assert.deepEqual([status, body], [200, {}])
  const { resources } = (await admin.get(path)).body
  assert.deepEqual(resources, [
    {
      ...events[1],
      ...(({ guid, created_at, updated_at, links }) => ({ guid, created_at, updated_at, links }))(resources[0]),
      buildpack: { guid: null, name: 'https://***:***@example.org/buildpack.git' },
      instance_count: { current: 2, previous: 2 },
    },
  ])
  assert.notEqual(resources[0].guid, events[1].guid)
})

test('staging begins and ends, and tells which buildpack it found', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { guid: appGuid } = await givenApp(controller, spaceGuid)
  const packageGuid = await givenReadyPackage(controller, appGuid)
  const url = 'https://user:secret@example.org/buildpack.git'
  const stage = async () =>
    (
      await admin.post('/v3/builds', {
        package: { guid: packageGuid },
        lifecycle: { type: 'buildpack', data: { buildpacks: [url] } },
      })
    ).body.guid
  const end = (buildGuid: string, how: (trx: Trx, staging: StagingBuild) => Promise<void>) =>
    db.transaction().execute(async (trx) => {
      const staging = await lockStagingBuild(trx, buildGuid)
      assert.ok(staging)
      await how(trx, staging)
    })
  await end(await stage(), (trx, staging) => failBuild(trx, staging, { id: 'StagingError', description: 'failed' }))
  const built = await stage()
  const dropletGuid = await givenDroplet(controller, appGuid, { build_guid: built, state: 'STAGING' })
  const found = { name: 'found', detect_output: 'found', buildpack_name: 'found', version: '1' }
  const droplet = { processTypes: { web: 'run' }, buildpacks: [found], sidecars: [] }
  await end(built, (trx, staging) => completeBuild(trx, staging, dropletGuid, droplet, 5))

  const { resources } = (await admin.get(path)).body
  assert.deepEqual(
    resources.map(({ state, buildpack }: { state: object; buildpack: { name: string } }) => [state, buildpack.name]),
    [
      [{ current: 'STAGING_STARTED', previous: 'STAGING' }, 'https://***:***@example.org/buildpack.git'],
      [{ current: 'STAGING_STOPPED', previous: 'STAGING' }, 'https://***:***@example.org/buildpack.git'],
      [{ current: 'STAGING_STARTED', previous: 'STAGING' }, 'https://***:***@example.org/buildpack.git'],
      [{ current: 'STAGING_STOPPED', previous: 'STAGING' }, 'found'],
      [{ current: 'BUILDPACK_SET', previous: 'STAGED' }, 'found'],
    ],
  )
  const [first] = resources
  assert.deepEqual(
    [first.app, first.process, first.memory_in_mb_per_instance, first.instance_count],
    [
      { guid: appGuid, name: 'hello' },
      { guid: null, type: null },
      { current: 1024, previous: 1024 },
      { current: 1, previous: 1 },
    ],
  )
})

test('only global readers see usage, only admins purge it', async (t) => {
  const controller = await withUsage(t)
  const { events } = controller
  const clients = await clientsOfAllRoles(controller, controller)
  const global = ['admin', 'admin_read_only', 'global_auditor'] as const
  await assertRoleTable(clients, (client) => client.get(`${path}/${events[0].guid}`), all(global, 200), 404)
  await assertRoleTable(clients, (client) => client.post(purge), { admin: 200 }, 403)
  for (const [who, client] of Object.entries(clients)) {
    if (who === 'unauthenticated') continue
    const { body } = await client.get(path)
    assert.equal(body.pagination.total_results, global.some((name) => name === who) ? 1 : 0, who)
  }
})

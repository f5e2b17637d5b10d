import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StartMessage } from '@vcap/protocol'
import { openDatabase } from './db/database.ts'
import { prepareDatabase } from './db/prepare-database.ts'
import { reconcile } from './dea/reconcile.ts'
import { givenApp, givenSpace, givenStartableApp } from './testing/factories.ts'
import { type Answer, type TestController, testController } from './testing/test-controller.ts'
import { databaseWithoutSchema, postgresUrl } from './testing/test-database.ts'

/** What several Cloud Controllers on one database do at the same time. Two connections of one process on SQLite would stop each other. */
const skip = postgresUrl === undefined && 'VCAP_TEST_POSTGRES_URL names no PostgreSQL server'

test('Cloud Controllers that start at once on an empty database prepare it once', { skip }, async (t) => {
  const { url } = await databaseWithoutSchema(postgresUrl ?? '')
  const { settings } = await testController(t)
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'uploads'))
  const buildpacksDirectory = join(directory, 'buildpacks')
  const names = ['one', 'two']
  for (const name of names) {
    await mkdir(join(buildpacksDirectory, name, 'bin'), { recursive: true })
    await writeFile(join(buildpacksDirectory, name, 'bin', 'detect'), '#!/bin/sh\n')
  }
  const manifest = JSON.stringify(names.map((name) => ({ name, directory: name })))
  await writeFile(join(buildpacksDirectory, 'manifest.json'), manifest)
  const own = { ...settings, databaseUrl: url, dataDirectory: directory, buildpacksDirectory }

  await Promise.all([1, 2, 3].map(() => prepareDatabase(own)))

  const db = await openDatabase(url)
  t.after(() => db.destroy())
  const namesIn = async (table: 'stacks' | 'domains' | 'organization_quotas' | 'isolation_segments' | 'buildpacks') =>
    (await db.selectFrom(table).select('name').orderBy('name').execute()).map(({ name }) => name)
  assert.deepEqual(await namesIn('stacks'), ['cflinuxfs4'])
  assert.deepEqual(await namesIn('domains'), ['apps.localhost'])
  assert.deepEqual(await namesIn('organization_quotas'), ['default'])
  assert.deepEqual(await namesIn('isolation_segments'), ['shared'])
  assert.deepEqual(await namesIn('buildpacks'), names)
})

test('each job is run by one Cloud Controller, and all are run', { skip }, async (t) => {
  const [one, two] = await twoControllers(t)
  const { spaceGuid } = await givenSpace(one)
  const apps = await Promise.all(Array.from({ length: 8 }, (_, index) => givenApp(one, spaceGuid, `app-${index}`)))
  for (const { guid } of apps) assert.equal((await one.admin.delete(`/v3/apps/${guid}`)).status, 202)
  const ran = await Promise.all([one.runJobs(), two.runJobs(), one.runJobs(), two.runJobs()])
  assert.equal(
    ran.reduce((sum, count) => sum + count),
    apps.length,
  )
  const jobs = await one.db.selectFrom('jobs').select(['state', 'attempts']).execute()
  assert.deepEqual(
    jobs,
    apps.map(() => ({ state: 'COMPLETE', attempts: 1 })),
  )
  assert.deepEqual((await two.admin.get('/v3/apps')).body.resources, [])
})

test('of several Cloud Controllers the one that holds the lease reconciles', { skip }, async (t) => {
  const [one, two] = await twoControllers(t)
  const { spaceGuid } = await givenSpace(one)
  const { appGuid } = await givenStartableApp(one, spaceGuid)
  assert.equal((await one.admin.post(`/v3/apps/${appGuid}/actions/start`)).status, 200)
  const longAgo = '2020-01-01T00:00:00.000Z'
  await one.db.updateTable('processes').set({ updated_at: longAgo }).execute()
  for (const { bus } of [one, two]) {
    bus.calls.length = 0
    bus.answer('dea.actualState', () => ({ connectedForMilliseconds: 60_000, instances: [], pendingStarts: [] }))
  }
  await one.db
    .insertInto('leases')
    .values({ name: 'reconciler', owner: 'the other', held_until: '2999-01-01T00:00:00.000Z' })
    .execute()
  await Promise.all([reconcile(one.services), reconcile(two.services)])
  assert.deepEqual([startedBy(one), startedBy(two)], [[], []])
  await two.db.updateTable('leases').set({ held_until: longAgo }).execute()
  await reconcile(two.services)
  assert.deepEqual([startedBy(one), startedBy(two)], [[], [0]])
})

test('requests to several Cloud Controllers at once answer as if one came after the other', { skip }, async (t) => {
  const controllers = await twoControllers(t)
  const [one] = controllers
  const { spaceGuid } = await givenSpace(one)
  const { appGuid } = await givenStartableApp(one, spaceGuid)
  const byTurns = (ask: (controller: TestController, index: number) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: 8 }, (_, index) => ask(controllers[index % 2] ?? one, index)))

  const created = await byTurns(({ admin }) => admin.post('/v3/organizations', { name: 'wanted by all' }))
  assert.deepEqual(statuses(created), [201, 422, 422, 422, 422, 422, 422, 422])

  const labelled = await byTurns(({ admin }, index) =>
    admin.patch(`/v3/apps/${appGuid}`, { metadata: { labels: { [`label-${index}`]: 'x' } } }),
  )
  assert.deepEqual(new Set(statuses(labelled)), new Set([200]))
  assert.equal(Object.keys((await one.admin.get(`/v3/apps/${appGuid}`)).body.metadata.labels).length, 8)

  const steered = await byTurns(({ admin }, index) =>
    index % 4 < 2
      ? admin.post(`/v3/apps/${appGuid}/actions/${index % 4 === 0 ? 'start' : 'stop'}`)
      : admin.post(`/v3/apps/${appGuid}/processes/web/actions/scale`, { instances: index }),
  )
  assert.deepEqual(
    steered.map(({ status }) => status).filter((status) => status >= 500),
    [],
  )
  const app = (await one.admin.get(`/v3/apps/${appGuid}`)).body
  const [process] = await one.db.selectFrom('processes').select('state').where('app_guid', '=', appGuid).execute()
  assert.equal(process?.state, app.state)
})

/** Two on one database, each with a bus of its own. */
async function twoControllers(t: TestContext): Promise<[TestController, TestController]> {
  const one = await testController(t)
  return [one, await testController(t, { databaseUrl: one.settings.databaseUrl })]
}

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status).sort()

const startedBy = ({ bus }: TestController): number[] =>
  bus.calls
    .filter(({ name }) => name === 'dea.start')
    .flatMap(({ values }) => (values[0] as StartMessage[]).map((message) => message.index))

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-controllers-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlobKind } from '../blobstore/blobstore.ts'
import { buildpackCacheKey } from '../staging/blob-urls.ts'
import { givenApp, givenDroplet, givenReadyPackage, givenSpace } from '../testing/factories.ts'
import { type TestController, testController } from '../testing/test-controller.ts'
import { temporaryFile } from '../testing/uploads.ts'
import { work } from '../threads/job-work.ts'

const ago = (milliseconds: number): string => new Date(Date.now() - milliseconds).toISOString()
const minute = 60_000
const day = 86_400_000

async function given(t: TestContext, config: Record<string, unknown> = {}) {
  const controller = await testController(t, config)
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  const cleanUp = () => work(controller.services, 'clean-up', {})
  return { controller, db: controller.db, blobstore: controller.services.blobstore, app, spaceGuid, cleanUp }
}

test('uploads, copies and builds that hang are FAILED, younger ones go on', async (t) => {
  const { controller, db, app, cleanUp } = await given(t)
  const { admin } = controller
  const packageIn = async (state: 'PROCESSING_UPLOAD' | 'COPYING' | 'AWAITING_UPLOAD', updated_at: string) => {
    const guid = await givenReadyPackage(controller, app.guid)
    await db.updateTable('packages').set({ state, updated_at }).where('guid', '=', guid).execute()
    return guid
  }
  const [overdue, long] = [ago(21 * minute), ago(19 * minute)]
  const hanging = [await packageIn('PROCESSING_UPLOAD', overdue), await packageIn('COPYING', overdue)]
  const alive = [await packageIn('PROCESSING_UPLOAD', long), await packageIn('AWAITING_UPLOAD', overdue)]
  const droplet = await givenDroplet(controller, app.guid, { state: 'COPYING', updated_at: overdue })
  const ready = await givenReadyPackage(controller, app.guid)
  const { body: build } = await admin.post('/v3/builds', { package: { guid: ready } })
  await cleanUp()
  assert.equal((await admin.get(`/v3/builds/${build.guid}`)).body.state, 'STAGING')
  await db
    .updateTable('builds')
    .set({ created_at: ago(16 * minute) })
    .execute()
  await cleanUp()

  for (const guid of hanging) {
    const { body } = await admin.get(`/v3/packages/${guid}`)
    assert.deepEqual([body.state, body.data.error], ['FAILED', 'The upload or copy did not end in time.'])
  }
  const states = await Promise.all(alive.map(async (guid) => (await admin.get(`/v3/packages/${guid}`)).body.state))
  assert.deepEqual(states, ['PROCESSING_UPLOAD', 'AWAITING_UPLOAD'])
  assert.equal((await admin.get(`/v3/droplets/${droplet}`)).body.state, 'FAILED')
  const { body: ended } = await admin.get(`/v3/builds/${build.guid}`)
  assert.deepEqual([ended.state, ended.error], ['FAILED', 'StagingTimeExpired - Staging time expired'])
  const stops = controller.bus.calls.filter(({ name }) => name === 'staging.stop')
  assert.deepEqual(
    stops.map(({ values }) => values[0]),
    [{ app_id: app.guid, task_id: build.guid }],
  )
})

test('bits of expired packages and droplets and of failed droplets go, and the rows say so', async (t) => {
  const { controller, db, blobstore, app, cleanUp } = await given(t)
  const sha256 = 'e3b0'
  const droplets = {
    expired: await givenDroplet(controller, app.guid, { state: 'EXPIRED', sha256 }),
    failed: await givenDroplet(controller, app.guid, { state: 'FAILED', sha256 }),
    staged: await givenDroplet(controller, app.guid, { sha256 }),
  }
  const packages = {
    expired: await givenReadyPackage(controller, app.guid),
    ready: await givenReadyPackage(controller, app.guid),
  }
  await db.updateTable('packages').set({ state: 'EXPIRED' }).where('guid', '=', packages.expired).execute()
  for (const guid of Object.values(droplets)) await blobstore.put('droplets', guid, await temporaryFile(t, 'x'))
  for (const guid of Object.values(packages)) await blobstore.put('packages', guid, await temporaryFile(t, 'x'))
  await cleanUp()
  const has = async (kind: BlobKind, guid: string) => (await blobstore.fileOf(kind, guid)) !== undefined
  assert.deepEqual(
    [
      await has('droplets', droplets.expired),
      await has('droplets', droplets.failed),
      await has('droplets', droplets.staged),
    ],
    [false, false, true],
  )
  assert.deepEqual([await has('packages', packages.expired), await has('packages', packages.ready)], [false, true])
  const { body } = await controller.admin.get(`/v3/packages/${packages.expired}`)
  assert.deepEqual([body.state, body.data.checksum.value], ['EXPIRED', null])
  assert.equal((await controller.admin.get(`/v3/droplets/${droplets.failed}`)).body.checksum, null)
})

test('old jobs, events and builds are deleted, as long as they are kept and no longer', async (t) => {
  const { controller, db, app, cleanUp } = await given(t, { cleanUp: { buildsKeptPerApp: 2 } })
  const { admin } = controller
  const packageGuid = await givenReadyPackage(controller, app.guid)
  const builds: string[] = []
  for (let count = 0; count < 4; count += 1) {
    const labels = { labels: { number: String(count) } }
    const { body } = await admin.post('/v3/builds', { package: { guid: packageGuid }, metadata: labels })
    builds.push(body.guid)
    await db.updateTable('builds').set({ state: 'STAGED' }).execute()
  }
  // The oldest never ended.
  await db
    .updateTable('builds')
    .set({ state: 'STAGING' })
    .where('guid', '=', builds[0] ?? '')
    .execute()
  await givenJobs(controller)
  await givenUsageEvents(controller, [40, 35, 32])
  await db
    .updateTable('audit_events')
    .set({ created_at: ago(32 * day) })
    .where('type', '=', 'audit.app.create')
    .execute()
  const eventsBefore = await db.selectFrom('audit_events').select('type').execute()
  await cleanUp()

  const left = await db.selectFrom('builds').select('guid').orderBy('id').execute()
  assert.deepEqual(
    left.map(({ guid }) => guid),
    [builds[0], builds[2], builds[3]],
  )
  const labels = await db.selectFrom('labels').select('value').where('resource_type', '=', 'build').execute()
  assert.deepEqual(labels.map(({ value }) => value).sort(), ['0', '2', '3'])
  const jobs = await db.selectFrom('jobs').select('operation').orderBy('id').execute()
  assert.deepEqual(
    jobs.map(({ operation }) => operation),
    ['old.PROCESSING', 'young.COMPLETE'],
  )
  const events = await db.selectFrom('audit_events').select('type').execute()
  assert.deepEqual(
    events.map(({ type }) => type),
    eventsBefore.map(({ type }) => type).filter((type) => type !== 'audit.app.create'),
  )
  const usage = await db.selectFrom('app_usage_events').select('app_name').where('app_guid', '=', 'a').execute()
  assert.deepEqual(
    usage.map(({ app_name }) => app_name),
    ['32'],
  )
})

async function givenJobs({ db }: TestController): Promise<void> {
  for (const [name, state, days] of [
    ['old', 'COMPLETE', 91],
    ['old', 'FAILED', 91],
    ['old', 'PROCESSING', 91],
    ['young', 'COMPLETE', 89],
  ] as const)
    await db
      .insertInto('jobs')
      .values({
        guid: randomUUID(),
        created_at: ago(days * day),
        updated_at: ago(days * day),
        operation: `${name}.${state}`,
        state,
        visible: 1,
        resource_type: null,
        resource_guid: null,
        payload: '{}',
        errors: '[]',
        warnings: '[]',
        request_id: null,
        attempts: 0,
        run_after: ago(0),
        lease_owner: null,
        lease_until: null,
      })
      .execute()
}

/** Named after their age in days. */
async function givenUsageEvents({ db }: TestController, ages: readonly number[]): Promise<void> {
  for (const age of ages)
    await db
      .insertInto('app_usage_events')
      .values({
        guid: randomUUID(),
        created_at: ago(age * day),
        updated_at: ago(age * day),
        state: 'STARTED',
        previous_state: 'STOPPED',
        instance_count: 1,
        previous_instance_count: 1,
        memory_in_mb_per_instance: 64,
        previous_memory_in_mb_per_instance: 64,
        app_guid: 'a',
        app_name: String(age),
        space_guid: 's',
        space_name: 's',
        organization_guid: 'o',
        process_guid: null,
        process_type: null,
        buildpack_guid: null,
        buildpack_name: null,
        task_guid: null,
        task_name: null,
      })
      .execute()
}

test('blobs that no row names are swept away once they are old, resources never', async (t) => {
  const { controller, blobstore, app, cleanUp } = await given(t)
  const put = async (kind: BlobKind, key: string, { old = true } = {}) => {
    await blobstore.put(kind, key, await temporaryFile(t, key))
    const file = (await blobstore.fileOf(kind, key)) ?? ''
    if (old) await utimes(file, new Date(ago(2 * day)), new Date(ago(2 * day)))
    return async () => (await blobstore.fileOf(kind, key)) !== undefined
  }
  const kept = {
    droplet: await put('droplets', await givenDroplet(controller, app.guid)),
    package: await put('packages', await givenReadyPackage(controller, app.guid)),
    cache: await put('buildpack-caches', buildpackCacheKey(app.guid, 'cflinuxfs4')),
    young: await put('droplets', randomUUID(), { old: false }),
    resource: await put('resources', 'a'.repeat(40)),
  }
  const swept = {
    droplet: await put('droplets', randomUUID()),
    package: await put('packages', randomUUID()),
    interrupted: await put('packages', `${randomUUID()}.partial-${randomUUID()}`),
    buildpack: await put('buildpacks', 'b'.repeat(64)),
    cache: await put('buildpack-caches', buildpackCacheKey(randomUUID(), null)),
  }
  const uploads = join(controller.settings.dataDirectory, 'uploads')
  for (const name of ['form-old', 'form-new']) await mkdir(join(uploads, name))
  await utimes(join(uploads, 'form-old'), new Date(ago(2 * day)), new Date(ago(2 * day)))
  await cleanUp()
  for (const [name, isThere] of Object.entries(kept)) assert.equal(await isThere(), true, name)
  for (const [name, isThere] of Object.entries(swept)) assert.equal(await isThere(), false, name)
  assert.deepEqual(await readdir(uploads), ['form-new'])
})

test('another controller that holds the lease does it', async (t) => {
  const { controller, db, app, cleanUp } = await given(t)
  await db
    .insertInto('leases')
    .values({ name: 'clean-up', owner: 'another', held_until: '2999-01-01T00:00:00.000Z' })
    .execute()
  const guid = await givenDroplet(controller, app.guid, { state: 'EXPIRED', sha256: 'x' })
  await cleanUp()
  const row = await db.selectFrom('droplets').select('sha256').where('guid', '=', guid).executeTakeFirstOrThrow()
  assert.equal(row.sha256, 'x')
})

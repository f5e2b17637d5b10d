import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'

test('DELETE /v3/apps answers 202 with a job that stops the app and removes all that belongs to it', async (t) => {
  const controller = await testController(t)
  const { admin, db, bus, runJobs, services, settings } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid, dropletGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.patch(`/v3/apps/${appGuid}`, { metadata: { labels: { a: 'b' } } })
  await admin.post(`/v3/apps/${appGuid}/sidecars`, { name: 'proxy', command: './proxy', process_types: ['web'] })
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  const source = join(settings.dataDirectory, 'droplet.tgz')
  await writeFile(source, 'bits')
  await services.blobstore.put('droplets', dropletGuid, source)

  const accepted = await admin.delete(`/v3/apps/${appGuid}`)
  assert.equal(accepted.status, 202)
  const location = accepted.headers.get('location') ?? ''
  assert.match(location, /^http:\/\/api\.example\.org\/v3\/jobs\//)
  bus.calls.length = 0
  const link = { href: `http://api.example.org/v3/apps/${appGuid}` }
  assert.deepEqual((await admin.get(new URL(location).pathname)).body.links, { self: { href: location }, app: link })
  await runJobs()
  const job = await admin.get(new URL(location).pathname)
  assert.deepEqual(job.body.links, { self: { href: location } }, 'what is gone is not linked to')
  assert.deepEqual([job.body.operation, job.body.state, job.body.errors], ['app.delete', 'COMPLETE', []])
  assert.equal((await admin.get(`/v3/apps/${appGuid}`)).status, 404)
  assert.equal(await services.blobstore.fileOf('droplets', dropletGuid), undefined)
  assert.ok(
    bus.calls.some(({ name, values }) => name === 'dea.stop' && (values[0] as { droplet: string }).droplet === appGuid),
  )
  for (const table of ['processes', 'sidecars', 'revisions', 'droplets', 'labels'] as const)
    assert.deepEqual(await db.selectFrom(table).selectAll().execute(), [], table)
  const events = await db.selectFrom('audit_events').select('type').where('target_guid', '=', appGuid).execute()
  const types = events.map((event) => event.type)
  for (const type of ['stop', 'droplet.delete', 'process.delete', 'delete-request'])
    assert.ok(types.includes(`audit.app.${type}`), type)
  const usage = await db.selectFrom('app_usage_events').select('state').orderBy('id', 'desc').executeTakeFirst()
  assert.equal(usage?.state, 'STOPPED')
})

test('a second delete ends COMPLETE although the app is gone', async (t) => {
  const controller = await testController(t)
  const { admin, runJobs } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  const jobs = [await admin.delete(`/v3/apps/${appGuid}`), await admin.delete(`/v3/apps/${appGuid}`)]
  await runJobs()
  for (const { headers } of jobs) {
    const job = await admin.get(new URL(headers.get('location') ?? '').pathname)
    assert.equal(job.body.state, 'COMPLETE')
  }
})

test('an app that is started while it is being deleted is stopped again, and its use ends', async (t) => {
  const controller = await testController(t)
  const { admin, db, bus, runJobs } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.delete(`/v3/apps/${appGuid}`)
  betweenSteps(controller, async () => {
    assert.equal((await admin.post(`/v3/apps/${appGuid}/actions/start`)).status, 200)
    bus.calls.length = 0
  })
  await runJobs()
  assert.equal((await admin.get(`/v3/apps/${appGuid}`)).status, 404)
  const stops = bus.calls.filter(({ name }) => name === 'dea.stop')
  assert.deepEqual(stops, [{ name: 'dea.stop', values: [{ droplet: appGuid }] }])
  const usage = await db.selectFrom('app_usage_events').select('state').orderBy('id').execute()
  assert.deepEqual(
    usage.map(({ state }) => state),
    ['STARTED', 'STOPPED'],
  )
})

test('of two jobs that delete an app at the same time both end COMPLETE', async (t) => {
  const controller = await testController(t)
  const { admin, runJobs } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  const jobs = [await admin.delete(`/v3/apps/${appGuid}`), await admin.delete(`/v3/apps/${appGuid}`)]
  betweenSteps(controller, async () => {
    assert.equal(await runJobs(), 1)
  })
  await runJobs()
  for (const { headers } of jobs) {
    const job = await admin.get(new URL(headers.get('location') ?? '').pathname)
    assert.deepEqual([job.body.state, job.body.errors], ['COMPLETE', []])
  }
})

/** Does something once, when the first deletion has stopped the app and comes to its blobs. */
function betweenSteps({ services: { blobstore } }: TestController, happens: () => Promise<void>): void {
  const deleteBlob = blobstore.delete
  blobstore.delete = async (...blob) => {
    blobstore.delete = deleteBlob
    await happens()
    return deleteBlob(...blob)
  }
}

test('clear_buildpack_cache deletes the caches of all stacks', async (t) => {
  const controller = await testController(t)
  const { admin, services, settings, runJobs } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  const source = join(settings.dataDirectory, 'cache.tgz')
  await writeFile(source, 'bits')
  await services.blobstore.put('buildpack-caches', `${appGuid}-cflinuxfs4`, source)
  assert.equal((await admin.post(`/v3/apps/${appGuid}/actions/clear_buildpack_cache`)).status, 202)
  await runJobs()
  assert.equal(await services.blobstore.fileOf('buildpack-caches', `${appGuid}-cflinuxfs4`), undefined)
})

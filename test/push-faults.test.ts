import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ApiRequestError, type FileTree, type ManifestApplication, zipFiles } from '@vcap/cli'
import { type App, eventually, loggedErrors, processesOf, startCloudFoundry } from '@vcap/testkit'
import { z } from 'zod'
import { glutton, mirror, quickly } from './small-apps.ts'

const cloud = await startCloudFoundry({ components: { controller: { dea: { reconcileIntervalInSeconds: 0.5 } } } })
after(() => cloud.stop())
const space = await cloud.createSpace('faults')

/** An app with a package, not yet staged. */
async function uploaded(application: ManifestApplication, files: FileTree): Promise<App> {
  const app = await space.createApp(application)
  const { bits } = await zipFiles(files)
  assert.equal((await app.upload(bits)).state, 'READY')
  return app
}

/** The API's answer to what it must refuse. */
async function refused(call: Promise<unknown>): Promise<Pick<ApiRequestError, 'status' | 'errors'>> {
  try {
    await call
  } catch (error) {
    if (error instanceof ApiRequestError) return { status: error.status, errors: error.errors }
    throw error
  }
  return assert.fail('it was accepted')
}

const unprocessable = (...details: string[]) => ({
  status: 422,
  errors: details.map((detail) => ({ title: 'CF-UnprocessableEntity', detail })),
})

const notAuthorized = {
  status: 403,
  errors: [{ title: 'CF-NotAuthorized', detail: 'You are not authorized to perform the requested action' }],
}

test('an app that crashes at once is CRASHED, with an event that says how it ended, and is left alone longer and longer', async () => {
  const files = { 'app.sh': 'echo "no database, no service" >&2; exit 3\n' }
  const app = await uploaded(
    { name: 'crashing', ...quickly, command: 'sh app.sh', 'health-check-type': 'process' },
    files,
  )
  const begun = Math.floor(Date.now() / 1000)
  await app.stageAndRun()
  await app.logged(/^\[APP\/PROC\/WEB\/0\] no database, no service$/)
  await app.logged(/^\[APP\/PROC\/WEB\/0\] Exit status 3$/)
  const crashNumber = async (count: number) =>
    (await app.events('audit.app.process.crash')).find(({ data }) => data.crash_count === count)?.data
  const fourth = await eventually('three restarts at once, so four crashes', () => crashNumber(4))
  const { instance, version, crash_timestamp, ...data } = fourth
  assert.match(String(instance), /^[\da-f]{32}$/)
  assert.match(String(version), /^[\da-f-]{36}$/)
  assert(Number(crash_timestamp) >= begun && Number(crash_timestamp) <= Date.now() / 1000, `${crash_timestamp}`)
  assert.deepEqual(data, {
    index: 0,
    exit_description: 'APP/PROC/WEB: Exited with status 3',
    exit_status: 3,
    reason: 'CRASHED',
    crash_count: 4,
  })
  // From the fourth crash on there is half a minute between two starts; until then the passes of the reconciler must leave it alone.
  const crashed = await app.hasInstances(([only]) => only?.state === 'CRASHED')
  assert.equal(crashed.length, 1)
  const fifth = await eventually('the fifth crash', () => crashNumber(5))
  const pauseInSeconds = Number(fifth.crash_timestamp) - Number(crash_timestamp)
  assert(pauseInSeconds >= 29, `whole seconds between the fourth and the fifth crash: ${pauseInSeconds}`)
  await app.delete()
})

test('an app that never opens its port is ended when its time is over, and the log has the message of the health check', async () => {
  const app = await uploaded({ name: 'deaf', ...quickly, command: 'sleep 1000', timeout: 1 }, { 'app.js': '' })
  await app.stageAndRun()
  await app.logged(/^\[HEALTH\/0\] Failed to make TCP connection to port \d+: connection refused$/)
  await app.logged(/^\[CELL\/0\] Failed after 1s: startup health check never passed\.$/)
  await app.hasInstances(([instance]) => instance?.state === 'CRASHED')
  const [crash] = await eventually('the crash event', async () => {
    const events = await app.events('audit.app.process.crash')
    return events.length > 0 && events
  })
  assert.match(
    String(crash?.data.exit_description),
    /^Instance never healthy after 1s: Failed to make TCP connection to port \d+: connection refused$/,
  )
  await app.delete()
  await eventually('its processes to be gone', () => processesOf(cloud.dataDirectory).length === 0)
})

test('an app that takes more memory than its limit is killed, and the event says so', async () => {
  const app = await uploaded({ name: 'glutton', ...quickly }, glutton)
  await app.stageAndRun()
  await app.answers('/eat')
  await app.logged(/^\[APP\/PROC\/WEB\/0\] Exit status 137 \(out of memory\)$/)
  const [crash] = await eventually('the crash event', async () => {
    const events = await app.events('audit.app.process.crash')
    return events.length > 0 && events
  })
  assert.equal(crash?.data.exit_status, 137)
  assert.equal(crash?.data.exit_description, 'APP/PROC/WEB: Exited with status 137 (out of memory)')
  await app.delete()
})

test('a build that fails says in which phase, and the log why', async () => {
  const app = await uploaded(
    { name: 'unbuildable' },
    { 'package.json': JSON.stringify({ name: 'unbuildable', engines: { node: '3.x' } }), 'server.js': '' },
  )
  const build = await app.stage()
  assert.equal(build.state, 'FAILED')
  assert.equal(build.droplet, null)
  assert.equal(build.error, 'BuildpackCompileFailed - App staging failed in the buildpack compile phase')
  await app.logged(/^\[STG\/0\].* The app asks for node 3\.x, and this machine has v/)
  await app.logged(/^\[STG\/0\] Failed to compile droplet: Failed to run all supply scripts: exit status \d+$/)
  await app.logged(/^\[STG\/0\] Exit status 22[35]$/)
  assert.deepEqual(await refused(app.act('start')), unprocessable('Assign a droplet before starting this app.'))
  await app.delete()
})

test('a build of an app that no buildpack knows fails with the error that cf has a tip for', async () => {
  const app = await uploaded({ name: 'unknown' }, { 'poem.txt': 'no program at all\n' })
  const build = await app.stage()
  assert.equal(build.state, 'FAILED')
  assert.equal(build.error, 'NoAppDetectedError - An app was not successfully detected by any available buildpack')
  await app.logged(/^\[STG\/0\] None of the buildpacks detected a compatible application$/)
  await app.logged(/^\[STG\/0\] Exit status 222$/)
  await app.delete()
})

test('a package that is no zip fails, says why, and can’t be staged', async () => {
  const app = await space.createApp({ name: 'unzipped' })
  const { guid, state } = await app.upload(Buffer.from('This is not a zip.'))
  assert.equal(state, 'FAILED')
  const Package = z.object({ data: z.object({ error: z.string() }) })
  const { data } = await app.client.call(Package, 'GET', `/v3/packages/${guid}`)
  assert.equal(data.error, 'The app upload is invalid: Invalid zip archive.')
  const build = app.client.call(z.unknown(), 'POST', '/v3/builds', { json: { package: { guid } } })
  assert.deepEqual(await refused(build), {
    status: 400,
    errors: [{ title: 'CF-BadRequest', detail: 'Bad request: Cannot stage package whose state is not ready.' }],
  })
  await app.delete()
})

test('a user who may only read the space can’t push to it, nor to an app that is there', async () => {
  const app = await space.push({ name: 'guarded', ...quickly }, mirror)
  const auditor = await cloud.createUser('auditor', { space, types: ['space_auditor'] })
  assert.deepEqual(await refused(space.as(auditor.client).createApp({ name: 'smuggled' })), notAuthorized)
  const packages = { type: 'bits', relationships: { app: { data: { guid: app.guid } } } }
  const upload = auditor.client.call(z.unknown(), 'POST', '/v3/packages', { json: packages })
  assert.deepEqual(await refused(upload), notAuthorized)
  const stop = auditor.client.call(z.unknown(), 'POST', `/v3/apps/${app.guid}/actions/stop`)
  assert.deepEqual(await refused(stop), notAuthorized)
  const seen = await auditor.client.call(z.object({ state: z.string() }), 'GET', `/v3/apps/${app.guid}`)
  assert.equal(seen.state, 'STARTED')
  await app.delete()
})

test('a manifest with faults is refused with every fault, and creates nothing', async () => {
  const apply = space.createApp({ name: 'faulty', memory: '12 elephants', instances: -1 })
  assert.deepEqual(
    await refused(apply),
    unprocessable(
      `For application 'faulty': Process "web": Memory must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB`,
      `For application 'faulty': Process "web": Instances must be greater than or equal to 0`,
    ),
  )
  const found = await space.client.call(z.object({ resources: z.array(z.unknown()) }), 'GET', '/v3/apps?names=faulty')
  assert.deepEqual(found.resources, [])
})

test('no component had an error to log meanwhile: faults of apps are no faults of ours', () => {
  assert.deepEqual(loggedErrors(cloud.dataDirectory), [])
})

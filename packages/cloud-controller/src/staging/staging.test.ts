import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { appLogLines } from '../testing/app-log-lines.ts'
import { givenApp, givenReadyPackage, givenSpace } from '../testing/factories.ts'
import { type TestController, testController } from '../testing/test-controller.ts'
import { multipartBody, temporaryFile, upload, zipOf } from '../testing/uploads.ts'
import { work } from '../threads/job-work.ts'
import { stagingRequestOf } from './staging-request.ts'

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`staging:${password}`).toString('base64')}`,
})

async function given(t: TestContext, config: Record<string, unknown> = {}) {
  const controller = await testController(t, config)
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  const packageGuid = await givenReadyPackage(controller, app.guid)
  return { controller, spaceGuid, app, packageGuid }
}

async function build({ admin }: TestController, packageGuid: string): Promise<string> {
  const { status, body } = await admin.post('/v3/builds', { package: { guid: packageGuid } })
  assert.equal(status, 201)
  return body.guid
}

/** What cells do: without a token, with the credentials of /staging. */
function cell(t: TestContext, { anonymous }: TestController) {
  return {
    put: (path: string, content: string) =>
      upload(t, anonymous, path, { 'upload[droplet]': { filename: 'droplet.tgz', content } }, basic('staging-secret')),
  }
}

async function download(
  { anonymous }: TestController,
  path: string,
  headers: Record<string, string> = basic('staging-secret'),
) {
  const answer = await anonymous.get(path, headers)
  const file = answer.headers.get('x-reactor-send-file')
  return file === null ? answer.status : readFile(file, 'utf8')
}

test('/staging asks for its own credentials, encoded or not', async (t) => {
  const controller = await testController(t, { stagingAuth: { username: 'staging', password: 'p@ss/word' } })
  const status = (headers: Record<string, string>) => download(controller, '/staging/packages/x/download', headers)
  assert.equal(await status(basic('p@ss/word')), 404)
  assert.equal(await status(basic('p%40ss%2Fword')), 404)
  assert.equal(await status(basic('wrong')), 401)
  assert.equal(await status({}), 401)
  assert.equal(await status({ authorization: 'bearer x' }), 401)
})

test('cells download packages, droplets and buildpacks; what is not there is 404, whatever it is called', async (t) => {
  const { controller, packageGuid } = await given(t)
  const { blobstore } = controller.services
  await blobstore.put('packages', packageGuid, await temporaryFile(t, 'a package'))
  assert.equal(await download(controller, `/staging/packages/${packageGuid}/download`), 'a package')
  const { body: buildpack } = await controller.admin.post('/v3/buildpacks', { name: 'ruby' })
  const path = `/staging/buildpacks/${buildpack.guid}/download`
  assert.equal(await download(controller, path), 404)
  const content = await zipOf({ 'bin/detect': 'x' })
  await upload(t, controller.admin, `/v3/buildpacks/${buildpack.guid}/upload`, { bits: { filename: 'r.zip', content } })
  assert.match(String(await download(controller, path)), /^PK/)
  for (const key of [randomUUID(), '..%2F..%2Fpasswd', '%2E%2E', 'a%00b'])
    assert.equal(await download(controller, `/staging/droplets/${key}/download`), 404, key)
})

test('a cell brings droplet and cache, says so, and the build is STAGED with all that it told', async (t) => {
  const { controller, app, packageGuid } = await given(t)
  const { admin } = controller
  const guid = await build(controller, packageGuid)
  const { put } = cell(t, controller)
  const uploaded = await put(`/staging/droplets/${guid}/upload`, 'the droplet')
  const sha256 = createHash('sha256').update('the droplet').digest('hex')
  assert.deepEqual([uploaded.status, uploaded.body.sha256], [200, sha256])
  assert.equal((await put(`/staging/buildpack_cache/cflinuxfs4/${app.guid}/upload`, 'the cache')).status, 200)
  assert.equal((await admin.get(`/v3/builds/${guid}`)).body.droplet, null)
  await work(controller.services, 'staging-reply', {
    task_id: guid,
    app_id: app.guid,
    procfile: { web: 'node server.js', worker: 'node worker.js' },
    buildpacks: [{ name: 'nodejs_buildpack', detect_output: 'Node.js', buildpack_name: 'nodejs', version: '1.8' }],
    sidecars: [{ name: 'proxy', process_types: ['web'], command: 'proxy', memory: 64 }],
  })
  const { body } = await admin.get(`/v3/builds/${guid}`)
  assert.deepEqual([body.state, body.error, body.droplet], ['STAGED', null, { guid: uploaded.body.guid }])
  const { body: droplet } = await admin.get(`/v3/droplets/${uploaded.body.guid}`)
  assert.deepEqual(
    [droplet.state, droplet.checksum, droplet.stack, droplet.process_types, droplet.buildpacks],
    [
      'STAGED',
      { type: 'sha256', value: sha256 },
      'cflinuxfs4',
      { web: 'node server.js', worker: 'node worker.js' },
      [{ name: 'nodejs_buildpack', detect_output: 'Node.js', buildpack_name: 'nodejs', version: '1.8' }],
    ],
  )
  assert.equal(await download(controller, `/staging/droplets/${droplet.guid}/download`), 'the droplet')
  const events = await controller.db.selectFrom('audit_events').select('type').orderBy('id').execute()
  assert.deepEqual(
    events.map(({ type }) => type).filter((type) => /build\.|droplet/.test(type)),
    ['audit.app.build.create', 'audit.app.droplet.create', 'audit.app.build.staged'],
  )
  assert.deepEqual(appLogLines(controller).slice(-3), [
    `Creating build for app with guid ${app.guid}`,
    `Creating droplet for app with guid ${app.guid}`,
    `Staging complete for build ${guid}`,
  ])
  assert.ok(controller.bus.calls.some(({ name, values }) => name === 'changes.notify' && values[0] === guid))

  // The next task is told of the cache.
  const second = await build(controller, packageGuid)
  const row = await controller.db.selectFrom('builds').selectAll().where('guid', '=', second).executeTakeFirstOrThrow()
  const appRow = await controller.db.selectFrom('apps').selectAll().executeTakeFirstOrThrow()
  const request = await stagingRequestOf(controller.services, row, appRow)
  const { pathname } = new URL(request.buildpack_cache_download_uri ?? '')
  assert.equal(await download(controller, pathname), 'the cache')
})

test('a build that has ended takes neither droplet nor reply', async (t) => {
  const { controller, app, packageGuid } = await given(t)
  const { admin } = controller
  const guid = await build(controller, packageGuid)
  await work(controller.services, 'staging-reply', { task_id: guid, app_id: app.guid, error: 'first' })
  const { put } = cell(t, controller)
  const late = await put(`/staging/droplets/${guid}/upload`, 'late')
  assert.deepEqual([late.status, late.body.errors[0].detail], [404, 'Build not found'])
  assert.equal((await put(`/staging/droplets/${randomUUID()}/upload`, 'x')).status, 404)
  await work(controller.services, 'staging-reply', { task_id: guid, app_id: app.guid, error: 'second' })
  assert.equal((await admin.get(`/v3/builds/${guid}`)).body.error, 'StagerError - first')
  assert.deepEqual((await admin.get('/v3/droplets')).body.resources, [])
})

test('a droplet that came before its build failed is FAILED too', async (t) => {
  const { controller, app, packageGuid } = await given(t)
  const guid = await build(controller, packageGuid)
  const { body } = await cell(t, controller).put(`/staging/droplets/${guid}/upload`, 'x')
  await work(controller.services, 'staging-reply', { task_id: guid, app_id: app.guid, error: 'too late' })
  const { body: droplet } = await controller.admin.get(`/v3/droplets/${body.guid}`)
  assert.deepEqual([droplet.state, droplet.error], ['FAILED', 'StagerError - too late'])
})

test('an upload without a file is a staging error', async (t) => {
  const { controller, packageGuid } = await given(t)
  const guid = await build(controller, packageGuid)
  const { file, headers } = await multipartBody(t, { field: 'x' })
  const path = `/staging/droplets/${guid}/upload`
  const { status, body } = await controller.anonymous.upload(path, file, { ...headers, ...basic('staging-secret') })
  assert.deepEqual([status, body.errors[0].code], [400, 170_001])
})

test('a stack of any name has a cache of its own', async (t) => {
  const { controller, app } = await given(t)
  const { put } = cell(t, controller)
  const path = (stack: string) => `/staging/buildpack_cache/${encodeURIComponent(stack)}/${app.guid}`
  for (const stack of ['windows 2016/é', 'windows 2016'])
    assert.equal((await put(`${path(stack)}/upload`, stack)).status, 200)
  for (const stack of ['windows 2016/é', 'windows 2016'])
    assert.equal(await download(controller, `${path(stack)}/download`), stack)
  assert.equal((await put(`/staging/buildpack_cache/x/${randomUUID()}/upload`, 'x')).status, 404)
})

test('the task offers enabled buildpacks with bits that fit the stack, in order', async (t) => {
  const { controller, packageGuid } = await given(t)
  const { admin } = controller
  const content = await zipOf({ 'bin/detect': 'x' })
  const make = async (body: object) => {
    const { body: made } = await admin.post('/v3/buildpacks', body)
    await upload(t, admin, `/v3/buildpacks/${made.guid}/upload`, { bits: { filename: 'x.zip', content } })
  }
  await admin.post('/v3/stacks', { name: 'other' })
  await make({ name: 'second' })
  await make({ name: 'first', stack: 'cflinuxfs4' })
  await make({ name: 'foreign', stack: 'other' })
  await make({ name: 'off', enabled: false })
  await admin.post('/v3/buildpacks', { name: 'without-bits' })
  await build(controller, packageGuid)
  const sent = controller.bus.calls.find(({ name }) => name === 'staging.start')?.values[0]
  const { admin_buildpacks: offered } = sent as { admin_buildpacks: Array<{ name: string; key: string; url: string }> }
  assert.deepEqual(
    offered.map(({ name }) => name),
    ['first', 'second'],
  )
  assert.match(
    offered[0]?.url ?? '',
    /^http:\/\/staging:staging-secret@127\.0\.0\.1:8181\/staging\/buildpacks\/[^/]+\/download$/,
  )
})

test('old droplets beyond the kept number expire, never the current one', async (t) => {
  const { controller, app, packageGuid } = await given(t, { packages: { keptPerApp: 2 } })
  const { admin } = controller
  const stage = async () => {
    const guid = await build(controller, packageGuid)
    const { body } = await cell(t, controller).put(`/staging/droplets/${guid}/upload`, guid)
    await work(controller.services, 'staging-reply', { task_id: guid, app_id: app.guid, procfile: { web: 'x' } })
    return body.guid as string
  }
  const current = await stage()
  await admin.patch(`/v3/apps/${app.guid}/relationships/current_droplet`, { data: { guid: current } })
  const others = [await stage(), await stage(), await stage()]
  const { body } = await admin.get('/v3/droplets')
  assert.deepEqual(
    body.resources.map(({ guid, state }: { guid: string; state: string }) => [guid, state]),
    [
      [current, 'STAGED'],
      [others[0], 'EXPIRED'],
      [others[1], 'STAGED'],
      [others[2], 'STAGED'],
    ],
  )
})

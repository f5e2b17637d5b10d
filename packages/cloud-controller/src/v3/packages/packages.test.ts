import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { checksumsOf } from '../../bits/checksums.ts'
import { modeOf, withZip } from '../../bits/zip-archive.ts'
import { givenApp, givenSpace } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'
import { upload as uploadParts, zipOf } from '../../testing/uploads.ts'

const ofApp = (guid: string) => ({ relationships: { app: { data: { guid } } } })

async function givenPackage(t: TestContext) {
  const controller = await testController(t, { packages: { minimumResourceSizeInBytes: 10 } })
  const { spaceGuid, organizationGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  const { body } = await controller.admin.post('/v3/packages', { type: 'bits', ...ofApp(app.guid) })
  return { controller, spaceGuid, organizationGuid, app, package: body as { guid: string } }
}

async function upload(
  t: TestContext,
  controller: TestController,
  guid: string,
  { bits, resources }: { bits?: string | Buffer; resources?: unknown },
) {
  return uploadParts(t, controller.admin, `/v3/packages/${guid}/upload`, {
    ...(resources !== undefined && {
      resources: typeof resources === 'string' ? resources : JSON.stringify(resources),
    }),
    ...(bits !== undefined && { bits: { filename: 'package.zip', content: bits } }),
  })
}

/** Names, permission bits and text of what is in a stored package. */
async function contentOf(controller: TestController, guid: string) {
  const file = await controller.services.blobstore.fileOf('packages', guid)
  assert.ok(file)
  return withZip(file, async (zip, entries) => {
    const content: Record<string, string> = {}
    for (const entry of entries) {
      const chunks: Buffer[] = []
      for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer)
      content[`${modeOf(entry).toString(8)} ${entry.fileName}`] = Buffer.concat(chunks).toString()
    }
    return content
  })
}

test('POST /v3/packages answers 201 with a package that awaits its bits', async (t) => {
  const { controller, app } = await givenPackage(t)
  const { status, body } = await controller.admin.post('/v3/packages', {
    type: 'bits',
    ...ofApp(app.guid),
    metadata: { labels: { release: 'stable' } },
  })
  assert.equal(status, 201)
  const at = (path = '') => ({ href: `http://api.example.org/v3/packages/${body.guid}${path}` })
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    type: 'bits',
    data: { error: null, checksum: { type: 'sha256', value: null } },
    state: 'AWAITING_UPLOAD',
    relationships: { app: { data: { guid: app.guid } } },
    metadata: { labels: { release: 'stable' }, annotations: {} },
    links: {
      self: at(),
      upload: { ...at('/upload'), method: 'POST' },
      download: at('/download'),
      app: { href: `http://api.example.org/v3/apps/${app.guid}` },
    },
  })
})

test('POST /v3/packages tells what is wrong in the words of CC', async (t) => {
  const { controller, app } = await givenPackage(t)
  const { admin } = controller
  const detail = async (body: unknown) => (await admin.post('/v3/packages', body)).body.errors[0].detail
  assert.equal(await detail({ type: 'tar', ...ofApp(app.guid) }), "Type must be one of 'bits, docker'")
  assert.equal(await detail({ type: 'bits' }), "Relationships 'relationships' is not an object")
  assert.equal(
    await detail({ type: 'bits', data: { image: 'x' }, ...ofApp(app.guid) }),
    'Data must be empty if provided for bits packages',
  )
  assert.equal(await detail({ type: 'docker', ...ofApp(app.guid) }), 'Data Image required')
  assert.equal(
    await detail({ type: 'docker', data: { image: 'x' }, ...ofApp(app.guid) }),
    'Cannot create Docker package for a buildpack app.',
  )
  assert.equal(
    await detail({ type: 'bits', ...ofApp(randomUUID()) }),
    'App is invalid. Ensure it exists and you have access to it.',
  )
})

test('an uploaded archive makes the package READY and is what cells download, byte for byte', async (t) => {
  const {
    controller,
    package: { guid },
  } = await givenPackage(t)
  const zip = await zipOf({ 'server.js': { content: 'listen()' } })
  const { status, body } = await upload(t, controller, guid, { bits: zip })
  assert.equal(status, 200)
  assert.equal(body.state, 'READY')
  const file = await controller.services.blobstore.fileOf('packages', guid)
  assert.ok(file)
  assert.equal(body.data.checksum.value, (await checksumsOf(file)).sha256)
  const download = await controller.admin.get(`/v3/packages/${guid}/download`)
  assert.equal(download.headers.get('x-reactor-send-file'), file)
})

test('files that were uploaded once are matched, and need not be sent again', async (t) => {
  const {
    controller,
    app,
    package: { guid },
  } = await givenPackage(t)
  const library = 'a library that is long enough to be kept'
  await upload(t, controller, guid, {
    bits: await zipOf({ 'lib/x.js': { content: library }, 'a.js': { content: '1' } }),
  })
  const sha1 = createHash('sha1').update(library).digest('hex')
  const known = { path: 'vendor/x.js', mode: '755', checksum: { value: sha1 }, size_in_bytes: library.length }
  const small = {
    ...known,
    path: 'a.js',
    checksum: { value: '356a192b7913b04c54574d18c28d46e6395428ab' },
    size_in_bytes: 1,
  }
  const matches = await controller.admin.post('/v3/resource_matches', { resources: [known, small] })
  assert.equal(matches.status, 201)
  assert.deepEqual(matches.body, { resources: [known] })

  const { body: second } = await controller.admin.post('/v3/packages', { type: 'bits', ...ofApp(app.guid) })
  const bits = await zipOf({ 'bin/run': { content: 'echo', mode: 0o755 }, 'vendor/x.js': { content: 'old' } })
  assert.equal((await upload(t, controller, second.guid, { bits, resources: [known] })).body.state, 'READY')
  assert.deepEqual(await contentOf(controller, second.guid), { '755 bin/run': 'echo', '755 vendor/x.js': library })

  const { body: third } = await controller.admin.post('/v3/packages', { type: 'bits', ...ofApp(app.guid) })
  assert.equal((await upload(t, controller, third.guid, { resources: [known] })).body.state, 'READY')
  assert.deepEqual(await contentOf(controller, third.guid), { '755 vendor/x.js': library })
})

test('a file that is no zip makes the package FAILED with the reason', async (t) => {
  const {
    controller,
    package: { guid },
  } = await givenPackage(t)
  const { status, body } = await upload(t, controller, guid, { bits: 'not a zip at all' })
  assert.equal(status, 200)
  assert.equal(body.state, 'FAILED')
  assert.equal(body.data.error, 'The app upload is invalid: Invalid zip archive.')
})

test('a resource that would lie outside the app makes the package FAILED', async (t) => {
  const {
    controller,
    package: { guid },
  } = await givenPackage(t)
  const content = 'something to be kept'
  const { body: first } = await controller.admin.post('/v3/packages', {
    type: 'bits',
    ...ofApp((await controller.admin.get(`/v3/packages/${guid}`)).body.relationships.app.data.guid),
  })
  await upload(t, controller, first.guid, { bits: await zipOf({ 'x.js': { content } }) })
  const sha1 = createHash('sha1').update(content).digest('hex')
  const resources = [{ path: '../../etc/passwd', checksum: { value: sha1 }, size_in_bytes: content.length }]
  const { body } = await upload(t, controller, guid, { resources })
  assert.equal(body.state, 'FAILED')
  assert.match(body.data.error, /is not inside the app/)
})

test('an upload is refused without bits or resources, with broken resources, and a second time', async (t) => {
  const {
    controller,
    package: { guid },
  } = await givenPackage(t)
  const nothing = await upload(t, controller, guid, { resources: [] })
  assert.equal(nothing.body.errors[0].detail, 'Upload must include either resources or bits')
  const broken = await upload(t, controller, guid, { resources: '[{' })
  assert.equal(broken.body.errors[0].detail, 'Resources must be valid JSON.')
  const bits = await zipOf({ a: { content: '1' } })
  const both = await Promise.all([upload(t, controller, guid, { bits }), upload(t, controller, guid, { bits })])
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400])
  const refused = both.find(({ status }) => status === 400)
  assert.equal(refused?.body.errors[0].title, 'CF-PackageBitsAlreadyUploaded')
})

test('an upload is refused whose form can not be read', async (t) => {
  const { controller, package: made } = await givenPackage(t)
  const answer = await controller.admin.post(`/v3/packages/${made.guid}/upload`, 'bits=%zz', {
    'content-type': 'application/x-www-form-urlencoded',
  })
  assert.equal(answer.status, 400)
  assert.equal(answer.body.errors[0].title, 'CF-InvalidRequest')
})

test('POST /v3/packages?source_guid= copies the bits to another app', async (t) => {
  const {
    controller,
    spaceGuid,
    app,
    package: { guid },
  } = await givenPackage(t)
  await upload(t, controller, guid, { bits: await zipOf({ 'server.js': { content: 'listen()' } }) })
  const other = await givenApp(controller, spaceGuid, 'other')
  const same = await controller.admin.post(`/v3/packages?source_guid=${guid}`, ofApp(app.guid))
  assert.equal(same.body.errors[0].detail, 'Source and destination app cannot be the same')
  const { status, body } = await controller.admin.post(`/v3/packages?source_guid=${guid}`, ofApp(other.guid))
  assert.equal(status, 201)
  assert.equal(body.state, 'READY')
  assert.deepEqual(await contentOf(controller, body.guid), { '644 server.js': 'listen()' })
})

test('registry credentials are changed but not removed, and are not copied', async (t) => {
  const controller = await testController(t)
  const { admin, db } = controller
  const { spaceGuid } = await givenSpace(controller)
  const app = await givenApp(controller, spaceGuid)
  const other = await givenApp(controller, spaceGuid, 'other')
  await db.updateTable('apps').set({ lifecycle_type: 'docker' }).execute()
  const data = { image: 'example.org/shop', username: 'ann', password: 'secret' }
  const { body } = await admin.post('/v3/packages', { type: 'docker', data, ...ofApp(app.guid) })
  const { body: kept } = await admin.patch(`/v3/packages/${body.guid}`, { username: 'bob', password: null })
  assert.deepEqual(kept.data, { image: 'example.org/shop', username: 'bob', password: '***' })
  const { sealed_docker_password } = await db
    .selectFrom('packages')
    .select('sealed_docker_password')
    .executeTakeFirstOrThrow()
  assert.ok(sealed_docker_password)
  const { body: copy } = await admin.post(`/v3/packages?source_guid=${body.guid}`, ofApp(other.guid))
  assert.deepEqual(copy.data, { image: 'example.org/shop', username: null, password: null })
})

test('DELETE /v3/packages/:guid answers 202; the job removes row and bits', async (t) => {
  const {
    controller,
    package: { guid },
  } = await givenPackage(t)
  await upload(t, controller, guid, { bits: await zipOf({ a: { content: '1' } }) })
  const { status, headers } = await controller.admin.delete(`/v3/packages/${guid}`)
  assert.equal(status, 202)
  await controller.runJobs()
  const job = await controller.admin.get(new URL(headers.get('location') ?? '').pathname)
  assert.deepEqual([job.body.operation, job.body.state], ['package.delete', 'COMPLETE'])
  assert.equal((await controller.admin.get(`/v3/packages/${guid}`)).status, 404)
  assert.equal(await controller.services.blobstore.fileOf('packages', guid), undefined)
})

test('who may see, make, change, upload, download and delete packages', async (t) => {
  const {
    controller,
    spaceGuid,
    organizationGuid,
    app,
    package: { guid },
  } = await givenPackage(t)
  await upload(t, controller, guid, { bits: await zipOf({ a: { content: '1' } }) })
  const clients = await clientsOfAllRoles(controller, { spaceGuid, organizationGuid })
  await assertRoleTable(clients, (client) => client.get(`/v3/packages/${guid}`), all(spaceReaders, 200), 404)
  await assertRoleTable(
    clients,
    (client) => client.post('/v3/packages', { type: 'bits', ...ofApp(app.guid) }),
    { ...all(spaceReaders, 403), admin: 201, space_developer: 201 },
    422,
  )
  await assertRoleTable(
    clients,
    (client) => client.patch(`/v3/packages/${guid}`, { metadata: { labels: { a: 'b' } } }),
    { ...all(spaceReaders, 403), admin: 200, space_developer: 200, admin_read_only: 403, global_auditor: 403 },
    404,
  )
  await assertRoleTable(
    clients,
    (client) => client.get(`/v3/packages/${guid}/download`),
    { ...all(spaceReaders, 403), admin: 200, admin_read_only: 200, space_developer: 200 },
    404,
  )
})

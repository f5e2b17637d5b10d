import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { givenApp, givenDroplet, givenReadyPackage, givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, everybody, spaceReaders } from '../../testing/role-table.ts'
import { testController } from '../../testing/test-controller.ts'
import { temporaryFile, upload } from '../../testing/uploads.ts'

async function given(t: TestContext) {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const app = await givenApp(controller, place.spaceGuid)
  return { controller, admin: controller.admin, ...place, app }
}

const ofApp = (guid: string) => ({ relationships: { app: { data: { guid } } } })
const tgz = (content = 'a droplet', filename = 'droplet.tgz') => ({ bits: { filename, content } })
const url = (path: string) => ({ href: `http://api.example.org${path}` })

test('POST /v3/droplets answers 201 with a droplet that awaits its upload', async (t) => {
  const { controller, admin, app } = await given(t)
  const { status, body } = await admin.post('/v3/droplets', ofApp(app.guid))
  assert.equal(status, 201)
  const at = `/v3/droplets/${body.guid}`
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    state: 'AWAITING_UPLOAD',
    error: null,
    lifecycle: { type: 'buildpack', data: {} },
    checksum: null,
    buildpacks: [],
    stack: null,
    image: null,
    execution_metadata: '',
    process_types: { web: '' },
    relationships: { app: { data: { guid: app.guid } } },
    metadata: { labels: {}, annotations: {} },
    links: {
      self: url(at),
      app: url(`/v3/apps/${app.guid}`),
      assign_current_droplet: { ...url(`/v3/apps/${app.guid}/relationships/current_droplet`), method: 'PATCH' },
      upload: { ...url(`${at}/upload`), method: 'POST' },
    },
  })
  const event = await controller.db.selectFrom('audit_events').selectAll().orderBy('id', 'desc').executeTakeFirst()
  assert.deepEqual(
    [event?.type, JSON.parse(event?.data ?? '')],
    ['audit.app.droplet.create', { droplet_guid: body.guid }],
  )
})

test('POST /v3/droplets tells what is wrong in the words of CC', async (t) => {
  const { admin, app } = await given(t)
  const detail = async (body: unknown, query = '') => {
    const answer = await admin.post(`/v3/droplets${query}`, body)
    return [answer.status, answer.body.errors[0].detail]
  }
  const unknown = randomUUID()
  assert.deepEqual(await detail({}), [422, "Relationships 'relationships' is not an object"])
  assert.deepEqual(await detail(ofApp(unknown)), [
    422,
    `App with guid "${unknown}" does not exist, or you do not have access to it.`,
  ])
  const withTypes = (process_types: unknown) => detail({ ...ofApp(app.guid), process_types })
  assert.deepEqual(await withTypes('web'), [422, 'Process types must be an object'])
  assert.deepEqual(await withTypes({ '': 'x' }), [422, 'Process types key must not be empty'])
  assert.deepEqual(await withTypes({ web: 1 }), [422, 'Process types value must be a string'])
  assert.deepEqual(await detail(ofApp(app.guid), `?source_guid=${unknown}`), [404, 'Droplet not found'])
})

test('an upload makes the droplet STAGED once, with its checksum, a job and a download', async (t) => {
  const { controller, admin, app } = await given(t)
  const { body: created } = await admin.post('/v3/droplets', {
    ...ofApp(app.guid),
    process_types: { web: 'run', worker: 'work' },
  })
  const path = `/v3/droplets/${created.guid}`
  const early = await admin.get(`${path}/download`)
  assert.deepEqual([early.status, early.body.errors[0].detail], [422, 'Only staged droplets can be downloaded.'])
  const { status, body, headers } = await upload(t, admin, `${path}/upload`, tgz())
  assert.equal(status, 202)
  const value = createHash('sha256').update('a droplet').digest('hex')
  assert.deepEqual(
    [body.state, body.checksum, body.process_types],
    ['STAGED', { type: 'sha256', value }, { web: 'run', worker: 'work' }],
  )
  assert.deepEqual(body.links.download, url(`${path}/download`))
  const { body: job } = await admin.get(new URL(headers.get('location') ?? '').pathname)
  assert.deepEqual([job.operation, job.state, job.links.droplet], ['droplet.upload', 'COMPLETE', url(path)])

  const download = await admin.get(`${path}/download`)
  assert.equal(download.headers.get('content-type'), 'application/octet-stream')
  assert.equal(download.headers.get('content-disposition'), `attachment; filename="droplet_${created.guid}.tgz"`)
  assert.equal(await readFile(download.headers.get('x-reactor-send-file') ?? '', 'utf8'), 'a droplet')
  const again = await upload(t, admin, `${path}/upload`, tgz('other'))
  assert.deepEqual(
    [again.status, again.body.errors[0].detail],
    [422, 'Droplet may be uploaded only once. Create a new droplet to upload bits.'],
  )
  const file = await controller.services.blobstore.fileOf('droplets', created.guid)
  assert.equal(await readFile(file ?? '', 'utf8'), 'a droplet')
})

test('an upload is refused for another kind of file, an empty one and none', async (t) => {
  const { admin, app } = await given(t)
  const { body } = await admin.post('/v3/droplets', ofApp(app.guid))
  const detail = async (parts: Parameters<typeof upload>[3]) =>
    (await upload(t, admin, `/v3/droplets/${body.guid}/upload`, parts)).body.errors[0].detail
  const invalid = 'Uploaded droplet file is invalid: '
  assert.equal(await detail(tgz('x', 'droplet.zip')), `${invalid}droplet.zip is not a tgz`)
  assert.equal(await detail(tgz('', 'droplet.tar.gz')), `${invalid}droplet.tar.gz cannot be empty`)
  assert.equal(await detail({}), `${invalid}A droplet tgz file must be uploaded as 'bits'`)
})

test('POST /v3/droplets?source_guid= copies a staged droplet with its bits', async (t) => {
  const { controller, admin, spaceGuid, app } = await given(t)
  const source = await givenDroplet(controller, app.guid)
  await controller.services.blobstore.put('droplets', source, await temporaryFile(t, 'bits'))
  const other = await givenApp(controller, spaceGuid, 'other')
  const { status, body } = await admin.post(`/v3/droplets?source_guid=${source}`, ofApp(other.guid))
  assert.equal(status, 201)
  assert.deepEqual(
    [body.state, body.process_types, body.stack, body.buildpacks[0].name, body.relationships.app.data.guid],
    ['STAGED', { web: 'node server.js' }, 'cflinuxfs4', 'nodejs_buildpack', other.guid],
  )
  assert.equal(
    await readFile((await controller.services.blobstore.fileOf('droplets', body.guid)) ?? '', 'utf8'),
    'bits',
  )

  const fault = async (guid: string) => {
    const answer = await admin.post(`/v3/droplets?source_guid=${guid}`, ofApp(other.guid))
    return [answer.status, answer.body.errors?.[0].detail ?? answer.body.state]
  }
  assert.deepEqual(await fault(await givenDroplet(controller, app.guid, { state: 'FAILED' })), [
    422,
    'source droplet is not staged',
  ])
  assert.deepEqual(await fault(await givenDroplet(controller, app.guid, { lifecycle_type: 'docker' })), [
    422,
    'source and destination lifecycle types do not match',
  ])
  assert.deepEqual(await fault(await givenDroplet(controller, app.guid)), [201, 'FAILED'])
})

test('start commands are hidden in lists, and from those who may not see secrets', async (t) => {
  const { controller, admin, app, spaceGuid, organizationGuid } = await given(t)
  const guid = await givenDroplet(controller, app.guid, {
    buildpacks: JSON.stringify([{ name: 'https://me:secret@example.org/bp', detect_output: null }]),
  })
  const { body: list } = await admin.get('/v3/droplets')
  assert.deepEqual(
    [list.resources[0].process_types, list.resources[0].execution_metadata],
    [{ redacted_message: '[PRIVATE DATA HIDDEN IN LISTS]' }, '[PRIVATE DATA HIDDEN IN LISTS]'],
  )
  assert.equal(list.resources[0].buildpacks[0].name, 'https://***:***@example.org/bp')
  const clients = await clientsOfAllRoles(controller, { spaceGuid, organizationGuid })
  const sees = async (who: keyof typeof clients) => (await clients[who].get(`/v3/droplets/${guid}`)).body.process_types
  assert.deepEqual(await sees('space_developer'), { web: 'node server.js' })
  assert.deepEqual(await sees('admin_read_only'), { web: 'node server.js' })
  for (const who of ['space_manager', 'space_auditor', 'space_supporter', 'global_auditor'] as const)
    assert.deepEqual(await sees(who), { redacted_message: '[PRIVATE DATA HIDDEN]' }, who)
})

test('droplets are listed by state, app, space and organization, of an app and of a package', async (t) => {
  const { controller, admin, spaceGuid, organizationGuid } = await given(t)
  const { appGuid, dropletGuid } = await givenStartableApp(controller, spaceGuid, { name: 'running' })
  const packageGuid = await givenReadyPackage(controller, appGuid)
  const failed = await givenDroplet(controller, appGuid, { state: 'FAILED', package_guid: packageGuid })
  const elsewhere = await givenSpace(controller, { organization: 'other' })
  const foreign = await givenDroplet(controller, (await givenApp(controller, elsewhere.spaceGuid)).guid)
  const guids = async (path: string) => {
    const { status, body } = await admin.get(path)
    return status === 200 ? body.resources.map(({ guid }: { guid: string }) => guid) : body.errors[0].detail
  }
  assert.deepEqual(await guids('/v3/droplets'), [dropletGuid, failed, foreign])
  assert.deepEqual(await guids('/v3/droplets?states=FAILED'), [failed])
  assert.deepEqual(await guids(`/v3/droplets?app_guids=${appGuid}&states=STAGED`), [dropletGuid])
  assert.deepEqual(await guids(`/v3/droplets?space_guids=${elsewhere.spaceGuid}`), [foreign])
  assert.deepEqual(await guids(`/v3/droplets?organization_guids=${organizationGuid}`), [dropletGuid, failed])
  assert.deepEqual(await guids(`/v3/apps/${appGuid}/droplets?current=true`), [dropletGuid])
  assert.deepEqual(await guids(`/v3/packages/${packageGuid}/droplets`), [failed])
  assert.match(await guids('/v3/droplets?current=true'), /Unknown query parameter\(s\): 'current'/)
  assert.match(await guids(`/v3/apps/${appGuid}/droplets?current=no`), /Current only accepts the value 'true'/)
  assert.equal(await guids(`/v3/apps/${appGuid}/droplets?space_guids=x`).then(String), refusal('space_guids'))
  assert.equal((await admin.get(`/v3/apps/${appGuid}/droplets/current`)).body.guid, dropletGuid)
})
const refusal = (key: string): string => `The query parameter is invalid: Unknown query parameter(s): '${key}'`

test('PATCH changes metadata, and the image of a Docker droplet for who may update builds', async (t) => {
  const { controller, admin, app, spaceGuid } = await given(t)
  const guid = await givenDroplet(controller, app.guid)
  const docker = await givenDroplet(controller, app.guid, { lifecycle_type: 'docker' })
  const { body } = await admin.patch(`/v3/droplets/${guid}`, { metadata: { labels: { a: 'b' } } })
  assert.deepEqual(body.metadata, { labels: { a: 'b' }, annotations: {} })
  const unstaged = await givenDroplet(controller, app.guid, { state: 'COPYING' })
  const early = await admin.patch(`/v3/droplets/${unstaged}`, { image: 'nginx' })
  assert.equal(early.body.errors[0].detail, 'Droplet image can only be updated on staged droplets')
  const wrong = await admin.patch(`/v3/droplets/${guid}`, { image: 'nginx' })
  assert.equal(wrong.body.errors[0].detail, 'Images can only be updated for docker droplets')
  assert.equal((await admin.patch(`/v3/droplets/${docker}`, { image: 'nginx' })).body.image, 'nginx')
  const developer = await controller.withRole({ type: 'space_developer', space: spaceGuid })
  assert.equal((await developer.patch(`/v3/droplets/${docker}`, { image: 'nginx' })).status, 403)
  const updater = await controller.as({ scopes: ['cloud_controller.write', 'cloud_controller.update_build_state'] })
  assert.equal((await updater.patch(`/v3/droplets/${docker}`, { image: 'httpd' })).body.image, 'httpd')
  assert.equal((await updater.patch(`/v3/droplets/${docker}`, { metadata: {} })).status, 403)
})

test('DELETE removes a droplet and its bits by a job, but never the current one', async (t) => {
  const { controller, admin, spaceGuid } = await given(t)
  const { appGuid, dropletGuid } = await givenStartableApp(controller, spaceGuid, { name: 'running' })
  const used = await admin.delete(`/v3/droplets/${dropletGuid}`)
  assert.deepEqual(
    [used.status, used.body.errors[0].detail],
    [422, `The droplet is currently used by app with guid "${appGuid}".`],
  )
  const guid = await givenDroplet(controller, appGuid)
  await controller.services.blobstore.put('droplets', guid, await temporaryFile(t, 'bits'))
  const { status, body } = await admin.delete(`/v3/droplets/${guid}`)
  assert.deepEqual([status, body], [202, ''])
  await controller.runJobs()
  assert.equal((await admin.get(`/v3/droplets/${guid}`)).status, 404)
  assert.equal(await controller.services.blobstore.fileOf('droplets', guid), undefined)
})

test('a droplet that an app was given after the request to delete it stays', async (t) => {
  const { controller, admin, app } = await given(t)
  const guid = await givenDroplet(controller, app.guid)
  const { headers } = await admin.delete(`/v3/droplets/${guid}`)
  await admin.patch(`/v3/apps/${app.guid}/relationships/current_droplet`, { data: { guid } })
  await controller.runJobs()
  const { body: job } = await admin.get(new URL(headers.get('location') ?? '').pathname)
  assert.deepEqual(
    [job.state, job.errors[0].detail],
    ['FAILED', `The droplet is currently used by app with guid "${app.guid}".`],
  )
  assert.equal((await admin.get(`/v3/apps/${app.guid}/droplets/current`)).body.guid, guid)
})

test('who may see, make, upload, download, change and delete droplets', async (t) => {
  const { controller, app, spaceGuid, organizationGuid } = await given(t)
  const guid = await givenDroplet(controller, app.guid)
  await controller.services.blobstore.put('droplets', guid, await temporaryFile(t, 'bits'))
  const clients = await clientsOfAllRoles(controller, { spaceGuid, organizationGuid })
  await assertRoleTable(clients, (client) => client.get(`/v3/droplets/${guid}`), all(spaceReaders, 200), 404)
  await assertRoleTable(clients, (client) => client.get('/v3/droplets'), all(everybody, 200), 200)
  await assertRoleTable(
    clients,
    (client) => client.get(`/v3/droplets/${guid}/download`),
    { ...all(spaceReaders, 200), space_supporter: 403 },
    404,
  )
  const writers = { ...all(spaceReaders, 403), admin: 0, space_developer: 0 }
  const answers = (status: number) => ({ ...writers, admin: status, space_developer: status })
  await assertRoleTable(clients, (client) => client.post('/v3/droplets', ofApp(app.guid)), answers(201), 422)
  await assertRoleTable(clients, (client) => client.patch(`/v3/droplets/${guid}`, {}), answers(200), 404)
  await assertRoleTable(clients, (client) => upload(t, client, `/v3/droplets/${guid}/upload`, tgz()), answers(422), 404)
  await assertRoleTable(clients, (client) => client.delete(`/v3/droplets/${guid}`), answers(202), 404)
})

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { givenSpace } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, everybody } from '../../testing/role-table.ts'
import { type Client, type TestController, testController } from '../../testing/test-controller.ts'
import { multipartBody, temporaryFile, upload, zipOf } from '../../testing/uploads.ts'

async function given(t: TestContext) {
  const controller = await testController(t)
  const { body } = await controller.admin.post('/v3/buildpacks', { name: 'ruby' })
  return { controller, admin: controller.admin, ruby: body as { guid: string } }
}

const bits = (content: string | Uint8Array, filename = 'ruby-v1.zip') => ({ bits: { filename, content } })
const detailOf = async (answer: Promise<{ status: number; body: { errors: Array<{ detail: string }> } }>) => {
  const { status, body } = await answer
  return [status, body.errors?.[0]?.detail]
}

async function jobOf(client: Client, { headers }: { headers: Headers }) {
  const { pathname } = new URL(headers.get('location') ?? '')
  return (await client.get(pathname)).body
}

async function order({ admin }: TestController, lifecycle = 'buildpack'): Promise<Array<[string, number]>> {
  const { body } = await admin.get(`/v3/buildpacks?lifecycle=${lifecycle}`)
  return body.resources.map(({ name, position }: { name: string; position: number }) => [name, position])
}

test('POST /v3/buildpacks answers 201 with a buildpack that awaits its bits', async (t) => {
  const { controller, admin } = await given(t)
  const { status, body } = await admin.post('/v3/buildpacks', {
    name: 'go',
    stack: 'cflinuxfs4',
    position: 7,
    enabled: false,
    locked: true,
    metadata: { labels: { team: 'core' } },
  })
  assert.equal(status, 201)
  const at = `http://api.example.org/v3/buildpacks/${body.guid}`
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'go',
    stack: 'cflinuxfs4',
    state: 'AWAITING_UPLOAD',
    lifecycle: 'buildpack',
    filename: null,
    position: 2,
    enabled: false,
    locked: true,
    metadata: { labels: { team: 'core' }, annotations: {} },
    links: { self: { href: at }, upload: { href: `${at}/upload`, method: 'POST' } },
  })
  const events = await controller.db.selectFrom('audit_events').select(['type', 'target_name']).execute()
  assert.deepEqual(
    events.filter(({ type }) => type.startsWith('audit.buildpack')).map(({ target_name }) => target_name),
    ['ruby', 'go'],
  )
})

test('POST and PATCH /v3/buildpacks tell what is wrong in the words of CC', async (t) => {
  const { admin, ruby } = await given(t)
  await admin.post('/v3/buildpacks', { name: 'go', stack: 'cflinuxfs4' })
  for (const [body, detail] of [
    [{}, "Name must be a string, Name can't be blank, Name is invalid"],
    [{ name: 'x', stack: '' }, "Stack '' does not exist"],
    [{ name: 'a b' }, 'Name is invalid'],
    [{ name: 'x'.repeat(251) }, 'Name is too long (maximum is 250 characters)'],
    [{ name: 'x', position: 0 }, 'Position must be greater than or equal to 1'],
    [{ name: 'x', enabled: 'yes' }, 'Enabled must be a boolean'],
    [{ name: 'x', lifecycle: 'docker' }, 'Lifecycle must be either "buildpack" or "cnb"'],
    [{ name: 'x', stack: 'nope' }, "Stack 'nope' does not exist"],
    [{ name: 'x', other: 1 }, "Unknown field(s): 'other'"],
    [{ name: 'ruby' }, "Buildpack with name 'ruby' and an unassigned stack already exists"],
    [
      { name: 'go', stack: 'cflinuxfs4' },
      "Buildpack with name 'go', stack 'cflinuxfs4' and lifecycle 'buildpack' already exists",
    ],
  ] as const)
    assert.deepEqual(await detailOf(admin.post('/v3/buildpacks', body)), [422, detail])
  const patch = (body: unknown) => detailOf(admin.patch(`/v3/buildpacks/${ruby.guid}`, body))
  assert.deepEqual(await patch({ locked: null }), [422, 'Locked must be a boolean'])
  assert.deepEqual(await patch({ position: null }), [422, 'Position is not a number'])
  assert.deepEqual(await patch({ lifecycle: 'cnb' }), [422, "Unknown field(s): 'lifecycle'"])
  assert.deepEqual(await patch({ stack: 'cflinuxfs4' }), [200, undefined])
  assert.deepEqual(await patch({ stack: null }), [422, 'Buildpack stack cannot be changed'])
})

test('positions are counted for each lifecycle, and the others make room', async (t) => {
  const { controller, admin, ruby } = await given(t)
  const make = async (body: object) => (await admin.post('/v3/buildpacks', body)).body.guid as string
  await make({ name: 'go' })
  const java = await make({ name: 'java', position: 99 })
  await make({ name: 'cnb', lifecycle: 'cnb' })
  assert.deepEqual(await order(controller), [
    ['go', 1],
    ['ruby', 2],
    ['java', 3],
  ])
  assert.deepEqual(await order(controller, 'cnb'), [['cnb', 1]])
  assert.equal((await admin.patch(`/v3/buildpacks/${java}`, { position: 1 })).body.position, 1)
  await admin.delete(`/v3/buildpacks/${ruby.guid}`)
  await controller.runJobs()
  assert.deepEqual(await order(controller), [
    ['java', 1],
    ['go', 2],
  ])
})

test('GET /v3/buildpacks filters by name, stack (also none), lifecycle and label, and orders by position', async (t) => {
  const { admin } = await given(t)
  await admin.post('/v3/buildpacks', { name: 'go', stack: 'cflinuxfs4', metadata: { labels: { a: 'b' } } })
  await admin.post('/v3/buildpacks', { name: 'kpack', lifecycle: 'cnb' })
  const names = async (query: string) => {
    const { body } = await admin.get(`/v3/buildpacks?${query}`)
    return body.resources.map(({ name }: { name: string }) => name)
  }
  assert.deepEqual(await names(''), ['go', 'ruby', 'kpack'])
  assert.equal((await names('order_by=-position'))[0], 'ruby')
  assert.deepEqual(await names('names=go,kpack'), ['go', 'kpack'])
  assert.deepEqual(await names('stacks=cflinuxfs4'), ['go'])
  assert.deepEqual(await names('stacks='), ['ruby', 'kpack'])
  assert.deepEqual(await names('lifecycle=cnb'), ['kpack'])
  assert.deepEqual(await names('label_selector=a=b'), ['go'])
  assert.deepEqual(await detailOf(admin.get('/v3/buildpacks?lifecycle=x')), [
    400,
    'The query parameter is invalid: Lifecycle must be either "buildpack" or "cnb"',
  ])
})

test('an upload makes the buildpack READY, names a job that is complete, and sets the stack of the archive', async (t) => {
  const { controller, admin, ruby } = await given(t)
  const content = await zipOf({ 'bin/detect': '#!/bin/sh', 'manifest.yml': 'stack: cflinuxfs4\nlanguage: ruby\n' })
  const answer = await upload(t, admin, `/v3/buildpacks/${ruby.guid}/upload`, bits(content))
  assert.equal(answer.status, 202)
  assert.deepEqual([answer.body.state, answer.body.filename, answer.body.stack], ['READY', 'ruby-v1.zip', 'cflinuxfs4'])
  const job = await jobOf(admin, answer)
  assert.deepEqual(
    [job.operation, job.state, job.links.buildpack],
    ['buildpack.upload', 'COMPLETE', { href: `http://api.example.org/v3/buildpacks/${ruby.guid}` }],
  )
  const { sha256 } = await controller.db.selectFrom('buildpacks').select('sha256').executeTakeFirstOrThrow()
  assert.ok(await controller.services.blobstore.fileOf('buildpacks', sha256 ?? ''))
  const event = await controller.db.selectFrom('audit_events').select('type').orderBy('id', 'desc').executeTakeFirst()
  assert.equal(event?.type, 'audit.buildpack.upload')
})

test('an upload is refused for a file of the wrong kind, an empty one, none, and a locked buildpack', async (t) => {
  const { admin, ruby } = await given(t)
  const { body: cnb } = await admin.post('/v3/buildpacks', { name: 'kpack', lifecycle: 'cnb' })
  const send = (guid: string, parts: Parameters<typeof upload>[3]) =>
    detailOf(upload(t, admin, `/v3/buildpacks/${guid}/upload`, parts))
  const invalid = 'Uploaded buildpack file is invalid: '
  const noZip = 'ruby-v1.zip is not a zip file. Buildpacks of lifecycle "buildpack" must be valid zip files.'
  assert.deepEqual(await send(ruby.guid, bits('plain text')), [422, `${invalid}${noZip}`])
  assert.deepEqual(await send(ruby.guid, bits('')), [422, `${invalid}${noZip}, ruby-v1.zip cannot be empty`])
  assert.deepEqual(await send(ruby.guid, {}), [422, `${invalid}A buildpack zip file must be uploaded as 'bits'`])
  assert.deepEqual(await send(cnb.guid, bits(await zipOf({ a: 'b' }), 'x.cnb')), [
    422,
    `${invalid}x.cnb is not a gzip archive or cnb file. Buildpacks of lifecycle "cnb" must be valid gzip archives or cnb files.`,
  ])
  assert.deepEqual(await send(cnb.guid, bits(Buffer.from([0x1f, 0x8b, 8, 0]), 'x.cnb')), [202, undefined])
  await admin.patch(`/v3/buildpacks/${ruby.guid}`, { locked: true })
  assert.deepEqual(await send(ruby.guid, bits(await zipOf({ a: 'b' }))), [422, 'Buildpack is locked'])
})

test('what is wrong inside the archive is told by the job', async (t) => {
  const { admin } = await given(t)
  const failed = async (name: string, stack: string | null, content: Uint8Array) => {
    const { body } = await admin.post('/v3/buildpacks', { name, stack })
    const answer = await upload(t, admin, `/v3/buildpacks/${body.guid}/upload`, bits(content))
    assert.deepEqual([answer.status, answer.body.state], [202, 'AWAITING_UPLOAD'])
    const { state, errors } = await jobOf(admin, answer)
    return [state, errors[0].code]
  }
  const archive = (stack: string) => zipOf({ 'manifest.yml': `stack: ${stack}\n` })
  assert.deepEqual(await failed('a', null, await archive('nope')), ['FAILED', 390_012])
  assert.deepEqual(await failed('b', 'cflinuxfs4', await archive('other')), ['FAILED', 390_011])
  assert.deepEqual(await failed('c', null, Buffer.from('PK\x03\x04 and nothing more')), ['FAILED', 390_013])
  const taken = await archive('cflinuxfs4')
  await admin.post('/v3/buildpacks', { name: 'd', stack: 'cflinuxfs4' })
  assert.deepEqual(await failed('d', null, taken), ['FAILED', 290_000])
})

test('DELETE /v3/buildpacks/:guid removes the bits unless another buildpack has the same', async (t) => {
  const { controller, admin, ruby } = await given(t)
  const { body: twin } = await admin.post('/v3/buildpacks', { name: 'twin' })
  const content = await zipOf({ 'bin/detect': '#!/bin/sh' })
  for (const { guid } of [ruby, twin]) await upload(t, admin, `/v3/buildpacks/${guid}/upload`, bits(content))
  const { sha256 } = await controller.db.selectFrom('buildpacks').select('sha256').executeTakeFirstOrThrow()
  const file = () => controller.services.blobstore.fileOf('buildpacks', sha256 ?? '')
  const deleted = await admin.delete(`/v3/buildpacks/${ruby.guid}`)
  assert.deepEqual([deleted.status, deleted.body], [202, ''])
  await controller.runJobs()
  assert.equal((await jobOf(admin, deleted)).state, 'COMPLETE')
  assert.equal((await admin.get(`/v3/buildpacks/${ruby.guid}`)).status, 404)
  assert.ok(await file())
  await admin.delete(`/v3/buildpacks/${twin.guid}`)
  await controller.runJobs()
  assert.equal(await file(), undefined)
})

test('everybody reads buildpacks, only admins change them', async (t) => {
  const { controller, ruby } = await given(t)
  const clients = await clientsOfAllRoles(controller, await givenSpace(controller))
  await assertRoleTable(clients, (client) => client.get(`/v3/buildpacks/${ruby.guid}`), all(everybody, 200), 200)
  await assertRoleTable(clients, (client) => client.get('/v3/buildpacks'), all(everybody, 200), 200)
  await assertRoleTable(clients, (client) => client.post('/v3/buildpacks', {}), { admin: 422 }, 403)
  await assertRoleTable(clients, (client) => client.patch(`/v3/buildpacks/${ruby.guid}`, {}), { admin: 200 }, 403)
  const content = await zipOf({ 'bin/detect': '#!/bin/sh' })
  await assertRoleTable(
    clients,
    (client) => upload(t, client, `/v3/buildpacks/${ruby.guid}/upload`, bits(content)),
    { admin: 202 },
    403,
  )
  await assertRoleTable(clients, (client) => client.delete(`/v3/buildpacks/${ruby.guid}`), { admin: 202 }, 403)
})

test('a body that breaks off is refused, and the thread goes on', async (t) => {
  const { controller, admin, ruby } = await given(t)

  const whole = await multipartBody(t, bits('PK\x03\x04'.padEnd(200_000, 'x')))
  const half = (await readFile(whole.file)).subarray(0, 100_000)
  const path = `/v3/buildpacks/${ruby.guid}/upload`
  const { status, body } = await admin.upload(path, await temporaryFile(t, half), whole.headers)
  assert.deepEqual([status, body.errors[0].title], [400, 'CF-InvalidRequest'])
  assert.equal((await admin.upload(path, whole.file, { 'content-type': 'text/plain' })).status, 400)

  assert.deepEqual(await readdir(`${controller.settings.dataDirectory}/uploads`), [])
})

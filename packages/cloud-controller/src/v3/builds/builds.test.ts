import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { StagingRequest } from '@vcap/protocol'
import { apiError } from '../../errors/api-error.ts'
import { givenApp, givenDroplet, givenReadyPackage, givenSpace } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, everybody, spaceReaders } from '../../testing/role-table.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'
import { upload, zipOf } from '../../testing/uploads.ts'
import { work } from '../../threads/job-work.ts'

async function given(t: TestContext) {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const app = await givenApp(controller, place.spaceGuid)
  const packageGuid = await givenReadyPackage(controller, app.guid)
  return { controller, admin: controller.admin, ...place, app, packageGuid }
}

const ofPackage = (guid: string) => ({ package: { guid } })

function stagingRequests({ bus }: TestController): StagingRequest[] {
  return bus.calls.filter(({ name }) => name === 'staging.start').map(({ values }) => values[0] as StagingRequest)
}

test('POST /v3/builds answers 201 with a build in STAGING and sends its task to a cell', async (t) => {
  const { controller, admin, app, packageGuid } = await given(t)
  await admin.patch(`/v3/apps/${app.guid}/environment_variables`, { var: { COLOR: 'red' } })
  const { status, body } = await admin.post('/v3/builds', {
    ...ofPackage(packageGuid),
    metadata: { labels: { release: 'stable' } },
  })
  assert.equal(status, 201)
  const at = (path: string) => ({ href: `http://api.example.org${path}` })
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    state: 'STAGING',
    staging_memory_in_mb: 1024,
    staging_disk_in_mb: 4096,
    staging_log_rate_limit_bytes_per_second: 1_048_576,
    error: null,
    lifecycle: { type: 'buildpack', data: { buildpacks: [], stack: 'cflinuxfs4' } },
    package: { guid: packageGuid },
    droplet: null,
    created_by: { guid: admin.userGuid, name: 'admin', email: 'admin@example.org' },
    relationships: { app: { data: { guid: app.guid } } },
    metadata: { labels: { release: 'stable' }, annotations: {} },
    links: { self: at(`/v3/builds/${body.guid}`), app: at(`/v3/apps/${app.guid}`) },
  })
  const [request] = stagingRequests(controller)
  assert.ok(request)
  assert.deepEqual([request.app_id, request.task_id, request.stack], [app.guid, body.guid, 'cflinuxfs4'])
  assert.deepEqual(request.properties.resources, { memory: 1024, disk: 4096, fds: 16_384 })
  assert.deepEqual(request.properties.environment, ['COLOR=red', 'CF_STACK=cflinuxfs4'])
  const base = 'http://staging:staging-secret@127.0.0.1:8181/staging'
  assert.equal(request.download_uri, `${base}/packages/${packageGuid}/download`)
  assert.equal(request.upload_uri, `${base}/droplets/${body.guid}/upload`)
  assert.equal(request.buildpack_cache_download_uri, null)
  assert.equal(request.buildpack_cache_upload_uri, `${base}/buildpack_cache/cflinuxfs4/${app.guid}/upload`)
  const event = await controller.db.selectFrom('audit_events').selectAll().orderBy('id', 'desc').executeTakeFirst()
  assert.equal(event?.type, 'audit.app.build.create')
  assert.deepEqual(JSON.parse(event?.data ?? ''), { build_guid: body.guid, package_guid: packageGuid })
})

test('a build takes memory, disk and lifecycle from the message, at least what staging needs', async (t) => {
  const { admin, packageGuid } = await given(t)
  const { body } = await admin.post('/v3/builds', {
    ...ofPackage(packageGuid),
    staging_memory_in_mb: 2048,
    staging_disk_in_mb: 1,
    staging_log_rate_limit_bytes_per_second: -1,
    lifecycle: {
      type: 'buildpack',
      data: { buildpacks: ['https://me:secret@example.org/bp.git'], stack: 'cflinuxfs4' },
    },
  })
  assert.deepEqual(
    [body.staging_memory_in_mb, body.staging_disk_in_mb, body.staging_log_rate_limit_bytes_per_second],
    [2048, 4096, -1],
  )
  assert.deepEqual(body.lifecycle.data.buildpacks, ['https://***:***@example.org/bp.git'])
})

test('POST /v3/builds tells what is wrong in the words of CC', async (t) => {
  const { controller, admin, app, packageGuid } = await given(t)
  const fault = async (body: unknown) => {
    const answer = await admin.post('/v3/builds', body)
    return [answer.status, answer.body.errors?.[0].code, answer.body.errors?.[0].detail]
  }
  const unusable = 'Unable to use package. Ensure that the package exists and you have access to it.'
  assert.deepEqual(await fault({}), [
    422,
    10_008,
    "Package guid can't be blank, Package guid must be a string, Package guid must be between 1 and 200 characters",
  ])
  assert.deepEqual(await fault(ofPackage(randomUUID())), [422, 10_008, unusable])
  assert.deepEqual(await fault({ ...ofPackage(packageGuid), staging_memory_in_mb: 0 }), [
    422,
    10_008,
    'Staging memory in mb must be greater than 0',
  ])
  const { body: empty } = await admin.post('/v3/packages', {
    type: 'bits',
    relationships: { app: { data: { guid: app.guid } } },
  })
  assert.deepEqual(await fault(ofPackage(empty.guid)), [
    400,
    1_004,
    'Bad request: Cannot stage package whose state is not ready.',
  ])
  const { body: off } = await admin.post('/v3/buildpacks', { name: 'off', enabled: false })
  const content = await zipOf({ 'bin/detect': '#!/bin/sh' })
  await upload(t, admin, `/v3/buildpacks/${off.guid}/upload`, { bits: { filename: 'off.zip', content } })
  const lifecycle = { type: 'buildpack', data: { buildpacks: ['off'], stack: 'cflinuxfs4' } }
  assert.deepEqual(await fault({ ...ofPackage(packageGuid), lifecycle }), [
    400,
    290_003,
    "Buildpack is invalid: Requested buildpack(s) 'off' are disabled and cannot be used for staging",
  ])
  assert.deepEqual(stagingRequests(controller), [])
})

test('a stack that may not be used any more refuses builds by an error of its own', async (t) => {
  const { controller, admin, packageGuid } = await given(t)
  await controller.db.updateTable('stacks').set({ state: 'DISABLED', state_reason: 'Too old.' }).execute()
  const { status, body } = await admin.post('/v3/builds', ofPackage(packageGuid))
  assert.equal(status, 422)
  assert.deepEqual(body.errors, [
    {
      code: 250_004,
      title: 'CF-StackValidationFailed',
      detail: "ERROR: Staging failed. The stack 'cflinuxfs4' is 'DISABLED' and cannot be used for staging. Too old.",
    },
  ])
})

test('an app of Cloud Native Buildpacks is staged only while diego_cnb is on', async (t) => {
  const { controller, admin, app, packageGuid } = await given(t)
  await controller.db
    .updateTable('apps')
    .set({ lifecycle_type: 'cnb', lifecycle_buildpacks: '["docker://example.org/node"]' })
    .where('guid', '=', app.guid)
    .execute()
  const { status, body } = await admin.post('/v3/builds', ofPackage(packageGuid))
  assert.deepEqual([status, body.errors[0].detail], [403, 'Feature Disabled: diego_cnb'])
})

test('a change of metadata is no change of the build, and a deleted droplet is no longer named', async (t) => {
  const { controller, admin, app, packageGuid } = await given(t)
  const { body: build } = await admin.post('/v3/builds', ofPackage(packageGuid))
  const dropletGuid = await givenDroplet(controller, app.guid, { build_guid: build.guid })
  await controller.db
    .updateTable('builds')
    .set({ state: 'STAGED', droplet_guid: dropletGuid, updated_at: '2026-01-02T03:04:05.000Z' })
    .execute()
  const { body: labelled } = await admin.patch(`/v3/builds/${build.guid}`, { metadata: { labels: { a: 'b' } } })
  assert.deepEqual([labelled.updated_at, labelled.droplet], ['2026-01-02T03:04:05Z', { guid: dropletGuid }])
  await admin.delete(`/v3/droplets/${dropletGuid}`)
  await controller.runJobs()
  const { body: later } = await admin.get(`/v3/builds/${build.guid}`)
  assert.deepEqual([later.droplet, later.links.droplet], [null, undefined])
})

test('of two builds of an app at once one is refused with 170017', async (t) => {
  const { controller, admin, packageGuid } = await given(t)
  const answers = await Promise.all([
    admin.post('/v3/builds', ofPackage(packageGuid)),
    admin.post('/v3/builds', ofPackage(packageGuid)),
  ])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 422])
  const refused = answers.find(({ status }) => status === 422)
  assert.deepEqual([refused?.body.errors[0].code, refused?.body.errors[0].title], [170_017, 'CF-StagingInProgress'])
  assert.equal(stagingRequests(controller).length, 1)
})

test('a build that no cell can take is answered with 201 and has FAILED', async (t) => {
  const { controller, admin, packageGuid } = await given(t)
  controller.bus.answer('staging.start', () => {
    throw apiError('StagingError', 'no available stagers')
  })
  const { status, body } = await admin.post('/v3/builds', ofPackage(packageGuid))
  assert.equal(status, 201)
  const { body: build } = await admin.get(`/v3/builds/${body.guid}`)
  assert.deepEqual(
    [build.state, build.error],
    ['FAILED', 'InsufficientResources - Staging error: no available stagers'],
  )
  assert.equal((await admin.post('/v3/builds', ofPackage(packageGuid))).status, 201)
})

/** Staging as a cell does it: the droplet is uploaded, then the reply comes. */
async function stage(controller: TestController, buildGuid: string, reply: object = {}): Promise<void> {
  const { body } = await controller.admin.get(`/v3/builds/${buildGuid}`)
  await work(controller.services, 'staging-reply', {
    task_id: buildGuid,
    app_id: body.relationships.app.data.guid,
    phase: 'complete',
    ...reply,
  })
}

test('the reply of a cell without a droplet, with an error, or with a known error makes the build FAILED', async (t) => {
  const { controller, admin, packageGuid } = await given(t)
  const failedWith = async (reply: object) => {
    const { body } = await admin.post('/v3/builds', ofPackage(packageGuid))
    await stage(controller, body.guid, reply)
    const { body: build } = await admin.get(`/v3/builds/${body.guid}`)
    return [build.state, build.error]
  }
  const procfile = { web: 'node server.js' }
  assert.deepEqual(await failedWith({ procfile }), ['FAILED', 'StagerError - The droplet was not uploaded'])
  assert.deepEqual(await failedWith({ error: 'no room' }), ['FAILED', 'StagerError - no room'])
  assert.deepEqual(
    await failedWith({ error: 'x', error_info: { type: 'NoAppDetectedError', message: 'None of the buildpacks fit' } }),
    ['FAILED', 'NoAppDetectedError - None of the buildpacks fit'],
  )
  assert.deepEqual(await failedWith({}), ['FAILED', 'StagingError - Start command not specified'])
  assert.deepEqual(await failedWith({ phase: 'setup', error: 'no container' }), [
    'FAILED',
    'StagingError - no container',
  ])
  const events = await controller.db.selectFrom('audit_events').select('type').execute()
  assert.equal(events.filter(({ type }) => type === 'audit.app.build.failed').length, 5)
})

test('GET /v3/builds/:guid waits a moment for the end of a build in progress', async (t) => {
  const { controller, admin, packageGuid } = await given(t)
  const { body } = await admin.post('/v3/builds', ofPackage(packageGuid))
  controller.bus.answer('changes.wait', () => true)
  assert.equal((await admin.get(`/v3/builds/${body.guid}`)).body.state, 'STAGING')
  const waits = controller.bus.calls.filter(({ name }) => name === 'changes.wait')
  assert.deepEqual(
    waits.map(({ values }) => values[0]),
    [body.guid],
  )
})

test('GET /v3/builds lists by app, package and state; the list of an app refuses the filters of its parent', async (t) => {
  const { controller, admin, spaceGuid, app, packageGuid } = await given(t)
  const { body: first } = await admin.post('/v3/builds', ofPackage(packageGuid))
  await stage(controller, first.guid, { error: 'x' })
  const { body: second } = await admin.post('/v3/builds', ofPackage(packageGuid))
  const other = await givenApp(controller, spaceGuid, 'other')
  const { body: third } = await admin.post('/v3/builds', ofPackage(await givenReadyPackage(controller, other.guid)))
  const guids = async (path: string) => {
    const { body } = await admin.get(path)
    return body.resources.map(({ guid }: { guid: string }) => guid)
  }
  assert.deepEqual(await guids('/v3/builds'), [first.guid, second.guid, third.guid])
  assert.deepEqual(await guids('/v3/builds?states=FAILED'), [first.guid])
  assert.deepEqual(await guids(`/v3/builds?app_guids=${other.guid}`), [third.guid])
  assert.deepEqual(await guids(`/v3/builds?package_guids=${packageGuid}`), [first.guid, second.guid])
  assert.deepEqual(await guids(`/v3/apps/${app.guid}/builds?states=STAGING`), [second.guid])
  const refused = await admin.get(`/v3/apps/${app.guid}/builds?app_guids=x`)
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [400, "The query parameter is invalid: Unknown query parameter(s): 'app_guids'"],
  )
})

test('who may see, make and change builds', async (t) => {
  const { controller, admin, spaceGuid, organizationGuid, app, packageGuid } = await given(t)
  const { body } = await admin.post('/v3/builds', ofPackage(packageGuid))
  const clients = await clientsOfAllRoles(controller, { spaceGuid, organizationGuid })
  await assertRoleTable(clients, (client) => client.get(`/v3/builds/${body.guid}`), all(spaceReaders, 200), 404)
  await assertRoleTable(clients, (client) => client.get(`/v3/apps/${app.guid}/builds`), all(spaceReaders, 200), 404)
  await assertRoleTable(clients, (client) => client.get('/v3/builds'), all(everybody, 200), 200)
  const asTheySee = await Promise.all(
    everybody.slice(0, -1).map(async (who) => [who, (await clients[who].get('/v3/builds')).body.resources.length]),
  )
  const readers: readonly string[] = spaceReaders
  assert.deepEqual(
    asTheySee,
    everybody.slice(0, -1).map((who) => [who, readers.includes(who) ? 1 : 0]),
  )
  await assertRoleTable(
    clients,
    (client) => client.patch(`/v3/builds/${body.guid}`, { metadata: { labels: { a: 'b' } } }),
    { ...all(spaceReaders, 403), admin: 200, space_developer: 200 },
    404,
  )
  await stage(controller, body.guid, { error: 'x' })
  await assertRoleTable(
    clients,
    async (client) => {
      const answer = await client.post('/v3/builds', ofPackage(packageGuid))
      if (answer.status === 201) await stage(controller, answer.body.guid, { error: 'x' })
      return answer
    },
    { admin: 201, space_developer: 201, space_supporter: 201, admin_read_only: 403, global_auditor: 403 },
    422,
  )
})

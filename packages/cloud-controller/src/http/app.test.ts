import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { globalScopes, testController } from '../testing/test-controller.ts'

test('the first call of a user makes its row, and each answer names it', async (t) => {
  const { db, as } = await testController(t)
  const guid = randomUUID()
  const user = await as({ guid })
  await db.deleteFrom('users').where('guid', '=', guid).execute()
  const answers = [await user.get('/v3/organizations'), await user.get('/v3/organizations/nope')]
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get('x-user-guid')]),
    [
      [200, guid],
      [404, guid],
    ],
  )
  assert.equal((await db.selectFrom('users').select('guid').where('guid', '=', guid).execute()).length, 1)
})

test('a client without a user goes by its client id', async (t) => {
  const { as } = await testController(t)
  const client = await as({ guid: 'nozzle', isClient: true, scopes: [...globalScopes.adminReadOnly] })
  assert.equal((await client.get('/v3/apps')).headers.get('x-user-guid'), 'nozzle')
})

test('scopes decide which verbs are allowed before anything else is looked at', async (t) => {
  const { as } = await testController(t)
  const status = async (scopes: string[]) => {
    const client = await as({ scopes })
    return [(await client.get('/v3/apps')).status, (await client.post('/v3/apps', {})).status]
  }
  assert.deepEqual(await status(['cloud_controller.read']), [200, 403])
  assert.deepEqual(await status(['cloud_controller.write']), [403, 422])
  assert.deepEqual(await status(['cloud_controller.admin']), [200, 422])
  assert.deepEqual(await status(['cloud_controller.admin_read_only']), [200, 403])
  assert.deepEqual(await status(['cloud_controller.global_auditor']), [200, 403])
  assert.deepEqual(await status(['openid']), [403, 403])
})

test('a body that can not be parsed is 400, a path with broken escapes is not found', async (t) => {
  const { admin } = await testController(t)
  const broken = await admin.post('/v3/apps', '{"name"')
  assert.deepEqual(
    [broken.status, broken.body.errors[0]],
    [
      400,
      {
        code: 1_001,
        title: 'CF-MessageParseError',
        detail: 'Request invalid due to parse error: invalid request body',
      },
    ],
  )
  assert.equal((await admin.get('/v3/apps?names=%zz')).body.errors[0].title, 'CF-InvalidRequest')
})

test('a fault of ours is 500 and tells nothing of itself', async (t) => {
  const { admin, db } = await testController(t)
  await db.schema.dropTable('stacks').execute()
  const { status, body } = await admin.get('/v3/stacks')
  assert.equal(status, 500)
  assert.deepEqual(body, {
    errors: [{ code: 10_001, title: 'UnknownError', detail: 'An unknown error occurred.' }],
  })
})

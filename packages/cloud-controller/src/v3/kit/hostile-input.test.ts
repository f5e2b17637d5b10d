import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

test('a body that is no UTF-8, no JSON or nested more than a hundred times is a parse error', async (t) => {
  const { admin } = await testController(t)
  const nested = (depth: number) => `{"name":"a","metadata":${'{"labels":'.repeat(depth - 1)}{}${'}'.repeat(depth)}`
  for (const body of [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), '{', '[1', nested(101), '['.repeat(100_000)]) {
    const { status, body: answer } = await admin.post('/v3/organizations', body)
    assert.deepEqual(
      [status, answer.errors[0].code, answer.errors[0].detail],
      [400, 1001, 'Request invalid due to parse error: invalid request body'],
    )
  }
  assert.equal((await admin.post('/v3/organizations', nested(99))).status, 422)
})

test('a null byte is refused wherever it stands', async (t) => {
  const { admin } = await testController(t)
  const detail = async (body: unknown) => (await admin.post('/v3/users', body)).body.errors[0].detail
  assert.equal(await detail({ username: 'a\0', origin: 'ldap' }), 'Username must not contain null bytes')
  assert.equal(
    await detail({ guid: 'a', metadata: { annotations: { key: 'a\0' } } }),
    'Metadata Annotations Key must not contain null bytes',
  )
  for (const path of ['/v3/apps/a%00', '/v3/apps?names=a%00'])
    assert.deepEqual((await admin.get(path)).body.errors[0].code, 10004)
  for (const path of ['/v3/packages?source_guid=a%00', '/v3/droplets?source_guid=a%00'])
    assert.deepEqual((await admin.post(path, {})).body.errors[0].code, 10004)
})

test('values are texts even if they have a key "toString", and keys of objects are no fields', async (t) => {
  const { admin } = await testController(t)
  const strange = { toString: 1 }
  for (const body of [{ name: strange }, { name: 'a', metadata: { labels: { key: strange } } }])
    assert.equal((await admin.post('/v3/domains', body)).status, 422)
  const { status, body } = await admin.get('/v3/service_instances?fields[constructor]=name')
  assert.deepEqual([status, body.errors[0].detail.includes('Fields [constructor] valid resources are')], [400, true])
})

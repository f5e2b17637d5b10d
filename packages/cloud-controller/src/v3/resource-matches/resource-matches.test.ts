import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'
import { temporaryFile } from '../../testing/uploads.ts'

const content = 'a library that is long enough to be kept'
const sha1 = createHash('sha1').update(content).digest('hex')
const known = { checksum: { value: sha1 }, size_in_bytes: content.length, path: 'lib/x.js', mode: '644' }

async function given(t: TestContext) {
  const controller = await testController(t, { packages: { minimumResourceSizeInBytes: 10 } })
  await controller.services.blobstore.put('resources', sha1, await temporaryFile(t, content))
  return controller
}

test('of the files of an app those are told that are known, with path and mode as sent', async (t) => {
  const controller = await given(t)
  const user = await controller.as()
  const { path: _, mode: __, ...bare } = known
  const { status, body } = await user.post('/v3/resource_matches', {
    resources: [
      known,
      bare,
      { ...known, path: 'unknown', checksum: { value: '0'.repeat(40) } },
      { ...known, path: 'other size', size_in_bytes: content.length + 1 },
      { ...known, path: 'too small', size_in_bytes: 9 },
      { ...known, path: 'no hash', checksum: { value: '../'.padEnd(40, 'x') } },
    ],
  })
  assert.equal(status, 201)
  assert.deepEqual(body, { resources: [known, { ...bare, path: '', mode: null }] })
})

test('faults of a list are told once each, in the words of CC', async (t) => {
  const { admin } = await given(t)
  const detail = async (resources: unknown) => {
    const { status, body } = await admin.post('/v3/resource_matches', resources === undefined ? {} : { resources })
    return [status, body.errors?.[0].detail]
  }
  const one = (text: string) => [422, `Resources array contains at least one resource with ${text}`]
  assert.deepEqual(await detail(undefined), [422, 'Resources must be an array'])
  assert.deepEqual(await detail([]), [422, 'Resources must have at least 1 resource'])
  assert.deepEqual(await detail(Array(5001).fill(known)), [422, 'Resources array can have at most 5000 resources'])
  assert.deepEqual(await detail([{ ...known, checksum: 'x' }]), one('a non-object checksum'))
  assert.deepEqual(await detail([{ ...known, checksum: { value: 1 } }]), one('a non-string checksum value'))
  assert.deepEqual(await detail([known, { ...known, checksum: { value: 'x' } }]), one('a non-SHA1 checksum value'))
  assert.deepEqual(await detail([{ ...known, size_in_bytes: '1' }]), one('a non-integer size_in_bytes'))
  assert.deepEqual(await detail([{ ...known, size_in_bytes: -1 }]), one('a negative size_in_bytes'))
  assert.deepEqual(await detail([{ ...known, mode: 644 }]), one('a non-string mode'))
  assert.deepEqual(await detail([{ ...known, mode: '999' }]), one('an incorrect mode'))
})

test('nothing matches while resource matching is off, and nobody asks while uploads are', async (t) => {
  const controller = await given(t)
  const user = await controller.as()
  const turnOff = (flag: string) => controller.admin.patch(`/v3/feature_flags/${flag}`, { enabled: false })
  await turnOff('resource_matching')
  assert.deepEqual((await user.post('/v3/resource_matches', { resources: [known] })).body, { resources: [] })
  await turnOff('app_bits_upload')
  const refused = await user.post('/v3/resource_matches', { resources: [known] })
  assert.deepEqual([refused.status, refused.body.errors[0].code], [403, 330_002])
  assert.equal((await controller.admin.post('/v3/resource_matches', { resources: [known] })).status, 201)
  assert.equal((await controller.anonymous.post('/v3/resource_matches', { resources: [known] })).status, 401)
})

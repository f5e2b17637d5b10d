import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBuildpackUrl } from '../../actions/app-lifecycle.ts'
import { testController } from '../../testing/test-controller.ts'
import { parseLabelSelector } from './label-selector.ts'

test('a body that is no UTF-8, no JSON or nested more than a hundred times is a parse error', async (t) => {
  const { admin } = await testController(t)
  const nested = (depth: number) => `{"name":"a","metadata":${'{"labels":'.repeat(depth - 1)}{}${'}'.repeat(depth)}`
  const backslashes = '\\"'.repeat(500_000)
  for (const body of [
    backslashes,
    Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d),
    '{',
    '[1',
    nested(101),
    '['.repeat(100_000),
  ]) {
    const { status, body: answer } = await admin.post('/v3/organizations', body)
    assert.deepEqual(
      [status, answer.errors[0].code, answer.errors[0].detail],
      [400, 1001, 'Request invalid due to parse error: invalid request body'],
    )
  }
  assert.equal((await admin.post('/v3/organizations', nested(99))).status, 422)
  const brackets = JSON.stringify({ name: `${'['.repeat(200)}"\\` })
  assert.equal((await admin.post('/v3/organizations', brackets)).status, 201)
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

test('a query with more values than a statement can take is refused', async (t) => {
  const { admin } = await testController(t)
  const many = (count: number): string => Array.from({ length: count }, (_, index) => index).join(',')
  for (const query of [`guids=${many(5000)}`, `label_selector=a%20in%20(${many(5000)})`])
    assert.equal((await admin.get(`/v3/apps?${query}`)).status, 200)
  for (const query of [
    `guids=${many(5001)}`,
    `label_selector=a%20in%20(${many(40_000)})`,
    `names=${many(3000)}&guids=${many(3000)}`,
  ]) {
    const { status, body } = await admin.get(`/v3/apps?${query}`)
    assert.deepEqual(
      [status, body.errors[0].code, body.errors[0].detail],
      [400, 10005, 'The query parameter is invalid: Too many values (maximum is 5000)'],
    )
  }
})

test('more labels or annotations than a resource may have are refused, however many, and the rest is kept', async (t) => {
  const { admin } = await testController(t)
  const many = (count: number, value: string | null = 'x'): Record<string, string | null> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, value]))
  const metadata = { labels: { 'example.org/key-0': 'x', ...many(49) }, annotations: many(200) }
  const { body: made } = await admin.post('/v3/organizations', { name: 'acme', metadata })
  assert.deepEqual(made.metadata, metadata)
  const change = (changed: unknown) => admin.patch(`/v3/organizations/${made.guid}`, { metadata: changed })
  for (const [changed, code] of [
    [{ labels: { more: 'x' } }, 390_020],
    [{ labels: many(20_000) }, 390_020],
    [{ annotations: { more: 'x' } }, 390_023],
    [{ annotations: many(20_000) }, 390_023],
  ] as const) {
    const { status, body } = await change(changed)
    assert.deepEqual([status, body.errors[0].code], [422, code])
  }
  const replaced = await change({ labels: { 'key-0': null, more: 'x' }, annotations: { 'key-7': 'y' } })
  const kept = Object.entries(metadata.labels).filter(([key]) => key !== 'key-0')
  assert.deepEqual(replaced.body.metadata.labels, { ...Object.fromEntries(kept), more: 'x' })
  assert.equal(replaced.body.metadata.annotations['key-7'], 'y')
  assert.deepEqual((await change({ labels: many(20_000, null) })).body.metadata.labels, {
    'example.org/key-0': 'x',
    more: 'x',
  })
})

test('a list in a body that is too long for a statement is refused', async (t) => {
  const { admin } = await testController(t)
  const { body: quota } = await admin.post('/v3/organization_quotas', { name: 'small' })
  const path = `/v3/organization_quotas/${quota.guid}/relationships/organizations`
  const many = (count: number) => ({ data: Array.from({ length: count }, (_, index) => ({ guid: `guid-${index}` })) })
  const detail = async (count: number) => (await admin.post(path, many(count))).body.errors[0].detail
  assert.match(await detail(5000), /^Organizations with guids /)
  assert.equal(await detail(5001), 'Data must have at most 5000 elements')
  const buildpacks = many(40_000).data.map(({ guid }) => guid)
  const app = { name: 'hello', relationships: { space: { data: { guid: 'x' } } }, lifecycle: { data: { buildpacks } } }
  const { status, body } = await admin.post('/v3/apps', app)
  assert.deepEqual([status, body.errors[0].detail], [422, 'Lifecycle Data Buildpacks must have at most 5000 elements'])
})

test('a body that would not fit into memory as what it says is refused before it is parsed', async (t) => {
  const { admin } = await testController(t)
  const body = (sizeInBytes: number): string => `{"name":[${'[],'.repeat(sizeInBytes / 3)}[]]}`
  assert.equal((await admin.post('/v3/organizations', body(4_000_000))).status, 422)
  const tooLarge = await admin.post('/v3/organizations', body(5_000_000))
  assert.deepEqual([tooLarge.status, tooLarge.body.errors[0].code], [413, 1004])
})

test('a text of a megabyte is read in time that grows with its length, and without the stack', async (t) => {
  const { admin } = await testController(t)
  const key = `${'a.'.repeat(1_000_000)}a/b`
  for (const metadata of [{ labels: { [key]: 'x' } }, { annotations: { [key]: 'x' } }]) {
    const { status, body } = await admin.post('/v3/organizations', { name: 'acme', metadata })
    assert.deepEqual([status, body.errors[0].code], [422, 10008])
  }
  const faults: string[] = []
  // What takes time in the square of the length would not end before the tests are given up.
  for (const unit of ['(', 'a in (', ' notin (', '),('])
    for (const end of ['', ')', '\n)']) parseLabelSelector(unit.repeat(1_000_000 / unit.length) + end, faults)
  for (const end of ['', '.git']) isBuildpackUrl(`git@${':'.repeat(1_000_000)}${end}\n`)
  assert.ok(faults.length > 0)
})

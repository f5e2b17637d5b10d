import assert from 'node:assert/strict'
import { test } from 'node:test'
import { featureFlagDefaults } from '../../actions/feature-flags.ts'
import { testController } from '../../testing/test-controller.ts'

test('GET /v3/feature_flags lists every flag by name, with its default and no time until it is set', async (t) => {
  const { as } = await testController(t)
  const user = await as()
  const { body } = await user.get('/v3/feature_flags?per_page=2')
  assert.deepEqual(body.resources[0], {
    name: 'app_bits_upload',
    enabled: true,
    updated_at: null,
    custom_error_message: null,
    links: { self: { href: 'http://api.example.org/v3/feature_flags/app_bits_upload' } },
  })
  assert.deepEqual(body.pagination, {
    total_results: Object.keys(featureFlagDefaults).length,
    total_pages: 10,
    first: { href: 'http://api.example.org/v3/feature_flags?page=1&per_page=2' },
    last: { href: 'http://api.example.org/v3/feature_flags?page=10&per_page=2' },
    next: { href: 'http://api.example.org/v3/feature_flags?page=2&per_page=2' },
    previous: null,
  })
  const all = (await user.get('/v3/feature_flags?order_by=-name')).body.resources
  assert.deepEqual(
    all.map((flag: { name: string }) => flag.name),
    Object.keys(featureFlagDefaults).sort().reverse(),
  )
  const refused = await user.get('/v3/feature_flags?order_by=created_at&created_ats=2026-01-01T00:00:00Z')
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [
      400,
      "The query parameter is invalid: Order by can only be: 'name', Filtering by 'created_ats' is not allowed on this resource.",
    ],
  )
})

test('PATCH /v3/feature_flags/:name is for admins, and its message is what those who are refused read', async (t) => {
  const { admin, as } = await testController(t)
  const user = await as()
  assert.equal((await user.patch('/v3/feature_flags/user_org_creation', { enabled: true })).status, 403)
  const unknown = await admin.patch('/v3/feature_flags/wheels', { enabled: true })
  assert.deepEqual([unknown.status, unknown.body.errors[0].detail], [404, 'Feature flag not found'])
  const bad = await admin.patch('/v3/feature_flags/user_org_creation', { enabled: 1, custom_error_message: '' })
  assert.equal(
    bad.body.errors[0].detail,
    'Enabled must be a boolean, Custom error message is too short (minimum is 1 character)',
  )

  const { body } = await admin.patch('/v3/feature_flags/user_org_creation', { enabled: true })
  assert.match(body.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.deepEqual((await user.get('/v3/feature_flags/user_org_creation')).body, body)
  assert.equal((await user.post('/v3/organizations', { name: 'mine' })).status, 201)
  // What is not said stays.
  const worded = await admin.patch('/v3/feature_flags/user_org_creation', { custom_error_message: 'ask Ann' })
  assert.deepEqual([worded.body.enabled, worded.body.custom_error_message], [true, 'ask Ann'])

  const set = (await user.get('/v3/feature_flags?updated_ats[gt]=2020-01-01T00:00:00Z')).body.resources
  assert.deepEqual(
    set.map((flag: { name: string }) => flag.name),
    ['user_org_creation'],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

test('the groups running and staging are there, empty, and admins merge variables into them', async (t) => {
  const { admin, as, db } = await testController(t)
  const user = await as()
  const path = '/v3/environment_variable_groups/running'
  const { body: empty } = await user.get(path)
  assert.deepEqual(empty, {
    updated_at: empty.updated_at,
    name: 'running',
    var: {},
    links: { self: { href: `http://api.example.org${path}` } },
  })
  await admin.patch(path, { var: { A: '1', B: '2' } })
  const { status, body } = await admin.patch(path, { var: { A: null, C: '3' } })
  assert.deepEqual([status, body.var], [200, { B: '2', C: '3' }])
  assert.deepEqual((await user.get(path)).body, body)
  assert.deepEqual((await user.get('/v3/environment_variable_groups/staging')).body.var, {})
  const stored = await db.selectFrom('environment_variable_groups').select('sealed_variables').execute()
  assert.doesNotMatch(JSON.stringify(stored), /"B"/, 'variables are encrypted at rest')
})

test('a group is refused in this order: the body, the caller, the name', async (t) => {
  const { admin, as } = await testController(t)
  const user = await as()
  const bad = await user.patch('/v3/environment_variable_groups/wheels', { var: { VCAP_X: '1', N: 4 } })
  assert.deepEqual(
    [bad.status, bad.body.errors[0].detail],
    [422, "Var cannot start with VCAP_, Non-string value in environment variable for key 'N', value '4'"],
  )
  assert.equal((await user.patch('/v3/environment_variable_groups/wheels', { var: {} })).status, 403)
  const missing = await admin.patch('/v3/environment_variable_groups/wheels', {})
  assert.deepEqual([missing.status, missing.body.errors[0].detail], [404, 'Environment variable group not found'])
  assert.equal((await user.get('/v3/environment_variable_groups/wheels')).status, 404)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

const names = (body: { resources: Array<{ name: string }> }): string[] => body.resources.map(({ name }) => name)

test('the stack of the configuration is there from the start, is the default one, and everybody sees it', async (t) => {
  const { as, anonymous } = await testController(t)
  const user = await as()
  const { body } = await user.get('/v3/stacks')
  const [stack] = body.resources
  assert.deepEqual(stack, {
    guid: stack.guid,
    created_at: stack.created_at,
    updated_at: stack.created_at,
    name: 'cflinuxfs4',
    description: stack.description,
    state: 'ACTIVE',
    state_reason: null,
    run_rootfs_image: 'cflinuxfs4',
    build_rootfs_image: 'cflinuxfs4',
    default: true,
    metadata: { labels: {}, annotations: {} },
    links: { self: { href: `http://api.example.org/v3/stacks/${stack.guid}` } },
  })
  assert.deepEqual((await user.get(`/v3/stacks/${stack.guid}`)).body, stack)
  assert.equal((await anonymous.get('/v3/stacks')).status, 401)
})

test('admins create, change and delete stacks', async (t) => {
  const { admin, as } = await testController(t)
  const user = await as()
  assert.equal((await user.post('/v3/stacks', { name: 'x' })).status, 403)
  const { status, body } = await admin.post('/v3/stacks', { name: 'other', description: 'more', state: 'DEPRECATED' })
  assert.deepEqual([status, body.name, body.state, body.default], [201, 'other', 'DEPRECATED', false])
  const detail = async (message: unknown) => (await admin.post('/v3/stacks', message)).body.errors[0].detail
  assert.equal(await detail({ name: 'other' }), 'Name must be unique')
  assert.equal(
    await detail({ state: 'OLD' }),
    "Name can't be blank, State must be one of ACTIVE, RESTRICTED, DEPRECATED, DISABLED",
  )
  assert.deepEqual(names((await user.get('/v3/stacks?default=false')).body), ['other'])
  assert.deepEqual(names((await user.get('/v3/stacks?default=true&names=cflinuxfs4')).body), ['cflinuxfs4'])
  assert.deepEqual(names((await user.get('/v3/stacks?order_by=-name')).body), ['other', 'cflinuxfs4'])

  const changed = await admin.patch(`/v3/stacks/${body.guid}`, { state: 'DISABLED', state_reason: 'gone soon' })
  assert.deepEqual([changed.body.state, changed.body.state_reason], ['DISABLED', 'gone soon'])
  assert.equal(changed.headers.get('x-cf-warnings'), null)
  assert.equal((await admin.patch(`/v3/stacks/${body.guid}`, { name: 'x' })).status, 422)
  assert.equal((await user.delete(`/v3/stacks/${body.guid}`)).status, 403)
  assert.equal((await admin.delete(`/v3/stacks/${body.guid}`)).status, 204)
  assert.equal((await admin.get(`/v3/stacks/${body.guid}`)).body.errors[0].detail, 'Stack not found')
})

test('changing the state of the default stack warns', async (t) => {
  const { admin } = await testController(t)
  const { body } = await admin.get('/v3/stacks')
  const { headers } = await admin.patch(`/v3/stacks/${body.resources[0].guid}`, { state: 'RESTRICTED' })
  assert.equal(
    decodeURIComponent((headers.get('x-cf-warnings') ?? '').replaceAll('+', ' ')),
    "Changing state on the default stack 'cflinuxfs4' may affect new application deployments.",
  )
})

test('the apps of a stack are listed, and keep it from being deleted', async (t) => {
  const { admin, withRole } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', {
    name: 'dev',
    relationships: { organization: { data: { guid: org.guid } } },
  })
  await admin.post('/v3/apps', { name: 'web', relationships: { space: { data: { guid: space.guid } } } })
  const stranger = await withRole({ type: 'organization_user', organization: org.guid })
  const { body } = await admin.get('/v3/stacks')
  const path = `/v3/stacks/${body.resources[0].guid}`
  assert.deepEqual(names((await admin.get(`${path}/apps`)).body), ['web'])
  assert.deepEqual(names((await stranger.get(`${path}/apps`)).body), [])
  const refused = await admin.delete(path)
  assert.deepEqual(
    [refused.status, refused.body.errors[0].detail],
    [422, "Cannot delete stack 'cflinuxfs4' because apps are currently using the stack."],
  )
})

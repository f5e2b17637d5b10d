import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

const shared = '933b4c58-120b-499a-b85d-4b6fc9e2903b'

async function withSpace(t: TestContext) {
  const controller = await testController(t)
  const { admin } = controller
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const { body: space } = await admin.post('/v3/spaces', {
    name: 'dev',
    relationships: { organization: { data: { guid: org.guid } } },
  })
  const entitle = () =>
    controller.db
      .insertInto('isolation_segment_organizations')
      .values({ isolation_segment_guid: shared, organization_guid: org.guid })
      .execute()
  return { ...controller, org, space, entitle }
}

test('the shared isolation segment is there from the start and seen where it is entitled', async (t) => {
  const { admin, withRole, org, entitle } = await withSpace(t)
  const { body } = await admin.get(`/v3/isolation_segments/${shared}`)
  assert.deepEqual(body, {
    guid: shared,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'shared',
    metadata: { labels: {}, annotations: {} },
    links: {
      self: { href: `http://api.example.org/v3/isolation_segments/${shared}` },
      organizations: { href: `http://api.example.org/v3/isolation_segments/${shared}/organizations` },
    },
  })
  const user = await withRole({ type: 'organization_user', organization: org.guid })
  const seen = async () => (await user.get('/v3/isolation_segments?order_by=name&names=shared')).body.resources.length
  assert.equal(await seen(), 0)
  assert.equal(
    (await user.get(`/v3/isolation_segments/${shared}/organizations`)).body.errors[0].detail,
    'Isolation segment not found',
  )
  await entitle()
  assert.equal(await seen(), 1)
  assert.equal((await admin.get(`/v3/isolation_segments?organization_guids=${org.guid}`)).body.resources.length, 1)
  const entitled = await user.get(`/v3/isolation_segments/${shared}/organizations`)
  assert.deepEqual(
    entitled.body.resources.map((organization: { name: string }) => organization.name),
    ['acme'],
  )
})

test('an organization names a segment for its spaces, and a space its own, once they are entitled to it', async (t) => {
  const { admin, withRole, org, space, entitle } = await withSpace(t)
  const manager = await withRole({ type: 'organization_manager', organization: org.guid })
  const spaceManager = await withRole({ type: 'space_manager', space: space.guid })
  const cases = [
    [`/v3/organizations/${org.guid}/relationships/default_isolation_segment`, 'the organization.'],
    [`/v3/spaces/${space.guid}/relationships/isolation_segment`, 'the organization that this space belongs to.'],
  ] as const
  for (const [path, whom] of cases) {
    const none = { data: null, links: { self: { href: `http://api.example.org${path}` } } }
    assert.deepEqual((await spaceManager.get(path)).body, none)
    const refused = await manager.patch(path, { data: { guid: shared } })
    assert.deepEqual(
      [refused.status, refused.body.errors[0].detail],
      [422, `Unable to assign isolation segment with guid '${shared}'. Ensure it has been entitled to ${whom}`],
    )
  }
  await entitle()
  for (const [path] of cases) {
    const named = {
      data: { guid: shared },
      links: {
        self: { href: `http://api.example.org${path}` },
        related: { href: `http://api.example.org/v3/isolation_segments/${shared}` },
      },
    }
    assert.equal((await spaceManager.patch(path, { data: { guid: shared } })).status, 403)
    assert.equal(
      (await admin.patch(path, { data: { guid: shared, name: 'x' } })).body.errors[0].detail,
      'Data can only accept one key',
    )
    assert.deepEqual((await manager.patch(path, { data: { guid: shared } })).body, named)
    assert.deepEqual((await admin.get(path)).body, named)
    assert.equal((await manager.patch(path, { data: null })).body.data, null)
    assert.equal((await admin.get(path)).body.data, null)
  }
})

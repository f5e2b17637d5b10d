import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { routeFixture } from '../../testing/route-fixture.ts'
import { type Answer, testController } from '../../testing/test-controller.ts'

const detail = ({ body }: Answer): string => body.errors[0].detail

async function sharingController(t: TestContext) {
  const controller = await testController(t)
  const fixture = await routeFixture(controller)
  await controller.db
    .insertInto('feature_flags')
    .values({ name: 'route_sharing', enabled: 1, custom_error_message: null, updated_at: '' })
    .execute()
  return { ...controller, ...fixture, other: await fixture.spaceNamed('other') }
}

test('without the flag route_sharing nobody shares, not even an admin', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { route, space } = await routeFixture(controller)
  const path = `/v3/routes/${await route()}/relationships`
  for (const answer of [
    await admin.get(`${path}/shared_spaces`),
    await admin.post(`${path}/shared_spaces`, { data: [{ guid: space }] }),
    await admin.delete(`${path}/shared_spaces/${space}`),
    await admin.patch(`${path}/space`, { data: { guid: space } }),
  ])
    assert.deepEqual([answer.status, detail(answer)], [403, 'Feature Disabled: route_sharing'])
})

test('a route is shared with a space, whose apps may then be destinations, and taken back', async (t) => {
  const { admin, db, other, space, route, startedApp, toldUris, withRole } = await sharingController(t)
  const guid = await route()
  const app = await startedApp('shop', other)
  const path = `/v3/routes/${guid}/relationships/shared_spaces`
  const shared = await admin.post(path, { data: [{ guid: other }] })
  assert.equal(shared.status, 200)
  assert.deepEqual(shared.body, {
    data: [{ guid: other }],
    links: { self: { href: `http://api.example.org${path}` } },
  })
  assert.deepEqual((await admin.get(path)).body, shared.body)
  assert.equal((await admin.post(path, { data: [{ guid: other }] })).status, 200, 'sharing again changes nothing')
  assert.equal(
    (await admin.post(`/v3/routes/${guid}/destinations`, { destinations: [{ app: { guid: app } }] })).status,
    200,
  )
  const reader = await withRole({ type: 'space_auditor', space: other })
  const listed = await reader.get(`/v3/routes?space_guids=${other}`)
  assert.equal(listed.body.pagination.total_results, 1, 'lists show what is shared')
  assert.equal((await reader.get(`/v3/routes/${guid}`)).status, 404, 'a single route is its own space’s')

  toldUris()
  assert.equal((await admin.delete(`${path}/${other}`)).status, 204)
  assert.deepEqual(toldUris(), [[]], 'the space’s apps are unmapped')
  assert.deepEqual((await admin.get(path)).body.data, [])
  assert.deepEqual((await admin.get(`/v3/routes/${guid}`)).body.destinations, [])
  const events = await db
    .selectFrom('audit_events')
    .select(['type', 'data', 'space_guid'])
    .where('type', 'in', ['audit.route.share', 'audit.route.unshare'])
    .orderBy('id')
    .execute()
  assert.deepEqual(
    events.map(({ type, data, space_guid }) => [type, JSON.parse(data), space_guid]),
    [
      ['audit.route.share', { target_space_guids: [other] }, space],
      ['audit.route.share', { target_space_guids: [other] }, space],
      ['audit.route.unshare', { target_space_guid: other }, space],
    ],
  )
})

test('sharing names the spaces that can’t be', async (t) => {
  const { admin, other, space, organization, route, withRole } = await sharingController(t)
  const guid = await route()
  const path = `/v3/routes/${guid}/relationships/shared_spaces`
  const share = async (by: typeof admin, ...guids: unknown[]) =>
    detail(await by.post(path, { data: guids.map((target) => ({ guid: target })) }))
  assert.equal(
    await share(admin, space),
    `Unable to share route 'www.apps.localhost' with space '${space}'. Routes cannot be shared into the space where they were created.`,
  )
  assert.equal(
    await share(admin, 'x', 'y'),
    "Unable to share route www.apps.localhost with spaces ['x', 'y']. Ensure the spaces exist and that you have access to them.",
  )
  assert.equal(await share(admin, 4), 'Invalid data type: Data[0] guid should be a string.')
  const developer = await withRole({ type: 'space_developer', space })
  assert.match(await share(developer, other), /Ensure the spaces exist and that you have access to them\.$/)
  const manager = await withRole({ type: 'organization_manager', organization })
  assert.equal((await manager.post(path, { data: [{ guid: other }] })).status, 403)
  assert.equal(
    detail(await admin.delete(`${path}/${space}`)),
    `Unable to unshare route 'www.apps.localhost' from space '${space}'. Routes cannot be removed from the space that owns them.`,
  )
  assert.equal(
    detail(await admin.delete(`${path}/nowhere`)),
    "Unable to unshare route 'www.apps.localhost' from space 'nowhere'. Ensure the space exists and that you have access to it.",
  )
})

test('a developer who only reads the target space is told so', async (t) => {
  const { db, other, space, route, withRole } = await sharingController(t)
  const path = `/v3/routes/${await route()}/relationships`
  const developer = await withRole({ type: 'space_developer', space })
  await db
    .updateTable('roles')
    .set({ type: 'space_auditor', space_guid: other })
    .where('user_guid', '=', developer.userGuid)
    .where('type', '=', 'organization_user')
    .execute()
  assert.equal(
    detail(await developer.post(`${path}/shared_spaces`, { data: [{ guid: other }] })),
    `Unable to share route www.apps.localhost with spaces ['${other}']. Write permission is required in order to share a route with a space and the containing organization must not be suspended.`,
  )
  const transfer = (why: string) => `Unable to transfer owner of route 'www.apps.localhost' to space '${other}'. ${why}`
  assert.equal(
    detail(await developer.patch(`${path}/space`, { data: { guid: other } })),
    transfer("You don't have write permission for the target space."),
  )
  await db
    .updateTable('roles')
    .set({ type: 'space_developer' })
    .where('user_guid', '=', developer.userGuid)
    .where('space_guid', '=', other)
    .execute()
  await db.updateTable('spaces').set({ status: 'suspended' }).where('guid', '=', other).execute()
  assert.equal(
    detail(await developer.patch(`${path}/space`, { data: { guid: other } })),
    transfer('The target organization or space is suspended.'),
  )
  await db.updateTable('spaces').set({ status: 'deleting' }).where('guid', '=', other).execute()
  assert.equal(
    detail(await developer.patch(`${path}/space`, { data: { guid: other } })),
    transfer('The target space is being deleted.'),
  )
})

test('a route moves to another space, and the old one keeps it shared', async (t) => {
  const { admin, db, other, space, route } = await sharingController(t)
  const guid = await route()
  const path = `/v3/routes/${guid}/relationships/space`
  const moved = await admin.patch(path, { data: { guid: other } })
  assert.deepEqual([moved.status, moved.body], [200, { status: 'ok' }])
  const { relationships } = (await admin.get(`/v3/routes/${guid}`)).body
  assert.equal(relationships.space.data.guid, other)
  const shared = await admin.get(`/v3/routes/${guid}/relationships/shared_spaces`)
  assert.deepEqual(shared.body.data, [{ guid: space }])
  assert.equal((await admin.patch(path, { data: { guid: other } })).status, 200, 'again changes nothing')
  const events = await db
    .selectFrom('audit_events')
    .select(['data', 'space_guid'])
    .where('type', '=', 'audit.route.transfer-owner')
    .execute()
  assert.deepEqual(
    events.map(({ data, space_guid }) => [JSON.parse(data), space_guid]),
    [[{ target_space_guid: other }, space]],
  )
})

test('a route does not move where it can’t be', async (t) => {
  const { admin, other, organization, space, route } = await sharingController(t)
  const guid = await route()
  await route({ host: 'www', path: '/a' })
  const path = `/v3/routes/${guid}/relationships/space`
  const move = async (body: unknown, to = path) => detail(await admin.patch(to, body))
  assert.equal(await move({ data: { guid: other } }), 'domain_id and host host_and_domain_taken_different_space')
  assert.equal(
    await move({ data: { guid: 'nowhere' } }),
    "Unable to transfer owner of route 'www.apps.localhost' to space 'nowhere'. Ensure the space exists and that you have access to it.",
  )
  assert.equal(await move({}), "Data can't be blank, Data must be an object")
  assert.equal(await move({ data: { guid: other, name: 'x' } }), 'Data can only accept one key')
  assert.equal(await move({ data: { name: 'x' } }), "Data can only accept key 'guid'")
  assert.equal(await move({ data: { guid: '' } }), "Data guid can't be blank")
  assert.equal(await move({ data: { guid: 4 } }), 'Data 4 must be a string')

  const domain = (
    await admin.post('/v3/domains', {
      name: 'acme.org',
      relationships: { organization: { data: { guid: organization } } },
    })
  ).body.guid
  const own = (
    await admin.post('/v3/routes', {
      relationships: { space: { data: { guid: space } }, domain: { data: { guid: domain } } },
    })
  ).body.guid
  const stranger = (await admin.post('/v3/organizations', { name: 'stranger' })).body.guid
  const far = (
    await admin.post('/v3/spaces', {
      name: 'far',
      relationships: { organization: { data: { guid: stranger } } },
    })
  ).body.guid
  assert.equal(
    await move({ data: { guid: far } }, `/v3/routes/${own}/relationships/space`),
    `Unable to transfer owner of route 'acme.org' to space '${far}'. Target space does not have access to route's domain`,
  )
})

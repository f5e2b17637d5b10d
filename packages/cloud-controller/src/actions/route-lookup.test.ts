import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routeFixture } from '../testing/route-fixture.ts'
import { testController } from '../testing/test-controller.ts'
import { findDomainForRouteUrl, isRouteAvailableInSpace } from './route-lookup.ts'

test('the host of a URL is split where there is a domain, the whole first', async (t) => {
  const { admin, db } = await testController(t)
  await admin.post('/v3/domains', { name: 'www.example.org' })
  await admin.post('/v3/domains', { name: 'example.org' })
  const split = async (urlHost: string) => {
    const found = await findDomainForRouteUrl(db, urlHost)
    return found && [found.host, found.domain.name]
  }
  assert.deepEqual(await split('shop.example.org'), ['shop', 'example.org'])
  assert.deepEqual(await split('WWW.example.org'), ['', 'www.example.org'])
  assert.deepEqual(await split('*.example.org'), ['*', 'example.org'])
  assert.equal(await split('a.b.example.org'), undefined, 'a host has no dots')
  assert.equal(await split('nowhere.net'), undefined)
  assert.equal(await split('localhost'), undefined)
})

test('a route is available in its own space and where it is shared', async (t) => {
  const controller = await testController(t)
  const { db } = controller
  const { route, space, spaceNamed } = await routeFixture(controller)
  const [guid, other] = [await route(), await spaceNamed('other')]
  const isAvailable = (spaceGuid: string) => isRouteAvailableInSpace(db, { guid, space_guid: space }, spaceGuid)
  assert.deepEqual([await isAvailable(space), await isAvailable(other)], [true, false])
  await db.insertInto('route_shared_spaces').values({ route_guid: guid, space_guid: other }).execute()
  assert.equal(await isAvailable(other), true)
})

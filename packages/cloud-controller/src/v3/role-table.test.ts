import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentedOperations, operationKey } from '../testing/documented-operations.ts'
import { collectionOf, expectedStatus, isList, type Place, places, sees } from '../testing/expected-status.ts'
import { type OperationCase, operationCases } from '../testing/operation-cases.ts'
import { askFor } from '../testing/operation-requests.ts'
import { operationsNotBuilt } from '../testing/operations-not-built.ts'
import { rehearse } from '../testing/rehearsal.ts'
import { clientsOfAllRoles, everybody, type Who } from '../testing/role-table.ts'
import { type Answer, type Client, type TestController, testController } from '../testing/test-controller.ts'
import { givenWorld, type World } from '../testing/world.ts'
import { routes } from './routes.ts'

const registered = [
  ...new Set(routes.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)),
]

test('the role table has every operation that is served, and no other', () => {
  assert.deepEqual(Object.keys(operationCases).toSorted(), registered.toSorted())
})

test('every operation of every role answers what the documents permit: own, foreign and suspended organization', async (t) => {
  const controller = await testController(t)
  const { db } = controller
  const world = await givenWorld(t, controller)
  const own = { spaceGuid: world.guids.spaces ?? '', organizationGuid: world.guids.organizations ?? '' }
  const elsewhere = await controller.admin.post('/v3/spaces', {
    name: 'elsewhere',
    relationships: { organization: { data: { guid: world.otherOrganization } } },
  })
  const insiders = await clientsOfAllRoles(controller, own)
  const outsiders = await clientsOfAllRoles(controller, {
    spaceGuid: elsewhere.body.guid,
    organizationGuid: world.otherOrganization,
  })
  await giveRolesBesides(controller, insiders, world)
  const wrong: string[] = []
  for (const place of places) {
    const clients = place === 'foreign' ? outsiders : insiders
    const status = place === 'suspended' ? 'suspended' : 'active'
    await db.updateTable('organizations').set({ status }).where('guid', '=', own.organizationGuid).execute()
    for (const [operation, tried] of Object.entries(operationCases)) {
      for (const who of everybody) {
        const answer = await rehearse(db, () => askFor(clients[who], operation, tried, world))
        wrong.push(...faults(answer, { operation, tried, who, place, world }))
      }
    }
  }
  assert.deepEqual(wrong, [])
})

/** What takes two organizations or spaces is permitted to those with roles in both. */
async function giveRolesBesides(
  { admin }: TestController,
  { org_manager, space_developer, space_supporter }: Readonly<Record<Who, Client>>,
  { partner, otherSpace }: World,
): Promise<void> {
  const to = (guid: string) => ({ data: { guid } })
  const give = async (type: string, user: Client, place: Record<string, unknown>): Promise<void> => {
    const answer = await admin.post('/v3/roles', { type, relationships: { user: to(user.userGuid), ...place } })
    assert.equal(answer.status, 201)
  }
  await give('organization_manager', org_manager, { organization: to(partner) })
  for (const user of [space_developer, space_supporter]) await give('space_developer', user, { space: to(otherSpace) })
}

interface Asked {
  readonly operation: string
  readonly tried: OperationCase
  readonly who: Who
  readonly place: Place
  readonly world: World
}

function faults({ status, body }: Answer, { operation, tried, who, place, world }: Asked): string[] {
  const expected = expectedStatus(operation, tried, who, place)
  const name = `${operation} by ${who}, ${place} organization`
  if (status !== expected) return [`${name}: ${status} instead of ${expected} ${JSON.stringify(body.errors ?? '')}`]
  const collection = collectionOf(operation)
  const guid = world.guids[collection]
  if (status !== 200 || !isList(operation) || !body.resources[0]?.guid || guid === undefined) return []
  const isListed = body.resources.some((one: { guid: string }) => one.guid === guid)
  return isListed === sees(collection, who, place) ? [] : [`${name}: ${isListed ? 'is' : 'is not'} in the list`]
}

test('every documented operation is served or listed as not built', () => {
  const served = new Set(registered.map((operation) => operationKey(...(operation.split(' ') as [string, string]))))
  const roots = new Set(['/', '/v3', '/v3/info'])
  const missing = documentedOperations
    .filter(({ method, path }) => !roots.has(path) && !served.has(operationKey(method, path)))
    .map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual(missing, operationsNotBuilt)
})

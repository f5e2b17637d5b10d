import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Db } from '../db/schema.ts'
import { type BadRequest, badRequests, changed } from '../testing/bad-requests.ts'
import { operationCases } from '../testing/operation-cases.ts'
import { pathOf } from '../testing/operation-requests.ts'
import { rehearse } from '../testing/rehearsal.ts'
import { clientsOfAllRoles } from '../testing/role-table.ts'
import { type Answer, type Client, testController } from '../testing/test-controller.ts'
import { givenWorld, type World } from '../testing/world.ts'

/** 100,000 in a thorough run; a failure prints its seed, which makes the same requests again. */
const count = Number(process.env.VCAP_BAD_REQUESTS ?? 3_000)
const seed = Number(process.env.VCAP_BAD_REQUESTS_SEED ?? Date.now() % 2 ** 31)

test(`${count} bad requests, seed ${seed}: none is our fault, and what is refused changes nothing`, async (t) => {
  const controller = await testController(t)
  const { db, admin } = controller
  const world = await givenWorld(t, controller)
  const place = { spaceGuid: world.guids.spaces ?? '', organizationGuid: world.guids.organizations ?? '' }
  const { space_developer, org_manager } = await clientsOfAllRoles(controller, place)
  const operations = Object.keys(operationCases)
  const requests = badRequests(operations, await queryKeys(admin, operations, world))
  const before = await allRows(db)
  const statuses: Record<number, number> = {}
  const who = fc.constantFrom(admin, space_developer, org_manager)
  const served = fc.asyncProperty(who, requests, async (client, request) => {
    const isRefused = ({ status }: Answer): boolean => status >= 400 && status < 500
    const answer = await rehearse(db, () => send(client, request, world), isRefused)
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
    assert.ok(answer.status < 500, `${answer.status} ${JSON.stringify(answer.body)}`)
    if (isRefused(answer)) assert.ok(Array.isArray(answer.body.errors), `${answer.status} without errors`)
  })
  await fc.assert(served, { numRuns: count, seed, endOnFailure: true })
  t.diagnostic(`statuses: ${JSON.stringify(statuses)}`)
  assert.deepEqual(await allRows(db), before)
})

/** What an operation lets one ask for, as it says itself. */
async function queryKeys(
  client: Client,
  operations: readonly string[],
  world: World,
): Promise<Record<string, readonly string[]>> {
  const keys: Record<string, readonly string[]> = {}
  for (const operation of operations.filter((name) => name.startsWith('GET '))) {
    const { body } = await client.get(`${pathOf(operation.slice(4), world)}?unheard-of=1`)
    const [, names] = /Valid parameters are: (.*)$/.exec(body.errors?.[0]?.detail ?? '') ?? []
    keys[operation] = names?.split(', ').map((name) => name.slice(1, -1)) ?? ['include', 'fields[space]']
  }
  return keys
}

function send(client: Client, request: BadRequest, world: World): Promise<Answer> {
  const { operation, parameter, query, contentType } = request
  const [method = '', template = ''] = operation.split(' ')
  const tried = operationCases[operation]
  const right = tried?.path?.(world) ?? pathOf(template, world)
  const path = `${parameter === undefined ? right : template.replace(/:\w+$|:\w+/, () => parameter).replace(/:\w+/g, '0')}${query}`
  const body =
    Array.isArray(request.body) && !(request.body instanceof Uint8Array)
      ? changed(tried?.body?.(world), request.body)
      : (request.body as string)
  const headers = contentType === undefined ? tried?.headers : { 'content-type': contentType }
  const upload = tried?.upload?.(world)
  if (upload) return client.upload(path, upload.file, { ...upload.headers, ...headers })
  switch (method) {
    case 'GET':
      return client.get(path)
    case 'POST':
      return client.post(path, body, { ...headers })
    case 'PATCH':
      return client.patch(path, body)
    default:
      return client.delete(path)
  }
}

async function allRows(db: Db): Promise<Record<string, unknown>> {
  const rows: Record<string, unknown> = {}
  for (const { name } of await db.introspection.getTables())
    rows[name] = (
      await db
        .selectFrom(name as 'apps')
        .selectAll()
        .execute()
    )
      .map((row) => JSON.stringify(row))
      .sort()
  return rows
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { longLists, multiply } from '../testing/multiplied.ts'
import { operationCases } from '../testing/operation-cases.ts'
import { pathOf } from '../testing/operation-requests.ts'
import { type Client, testController } from '../testing/test-controller.ts'
import { givenWorld } from '../testing/world.ts'

const many = 200

/** Lists of what the code itself defines, or of one app's few things. */
const alwaysShort = ['GET /v3/feature_flags', 'GET /v3/apps/:guid/features', 'GET /v3/apps/:guid/revisions/deployed']

const fields = ['fields[space]=guid,name,relationships.organization', 'fields[space.organization]=guid,name'].join('&')

test('every list takes as many SQL statements for 200 rows as for one, with everything included', async (t) => {
  const controller = await testController(t)
  const { admin, db, countStatements } = controller
  const world = await givenWorld(t, controller)
  await multiply(db, longLists(many))
  const wrong: string[] = []
  let lists = 0
  for (const operation of Object.keys(operationCases).filter((name) => name.startsWith('GET '))) {
    const path = pathOf(operation.slice(4), world)
    if ((await admin.get(path)).body.pagination === undefined) continue
    lists += 1
    const query = operation.endsWith('/service_instances') ? `&${fields}` : await everythingIncluded(admin, path)
    const take = async (rows: number) => {
      countStatements()
      const { status, body } = await admin.get(`${path}?per_page=${rows}${query}`)
      assert.equal(status, 200, `${operation}${query}: ${JSON.stringify(body.errors)}`)
      return { statements: countStatements(), rows: body.resources.length as number }
    }
    if (alwaysShort.includes(operation)) continue
    const [one, all] = [await take(1), await take(many)]
    if (one.rows !== 1 || all.rows !== many || one.statements !== all.statements)
      wrong.push(`${operation}${query}: ${JSON.stringify({ one, all })}`)
  }
  assert.deepEqual(wrong, [])
  assert.ok(lists > 40, `${lists} lists`)
})

/** All values of `include` that the operation knows, as it says itself. */
async function everythingIncluded(client: Client, path: string): Promise<string> {
  const { body } = await client.get(`${path}?include=nothing-of-that-name`)
  const [, values] = /Valid included resources are: (.+)$/.exec(body.errors?.[0]?.detail ?? '') ?? []
  return values === undefined
    ? ''
    : `&include=${values
        .split(', ')
        .map((value) => value.slice(1, -1))
        .join(',')}`
}

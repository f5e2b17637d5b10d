import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathOf } from '../../testing/operation-requests.ts'
import {
  type DocumentedServedOperation,
  operationsOf,
  type ServedParameter,
  servedDocument,
} from '../../testing/served-document.ts'
import { type Client, testController } from '../../testing/test-controller.ts'
import { givenWorld, type World } from '../../testing/world.ts'

/** Filters that take more than the document can say. */
const values: Readonly<Record<string, (world: World) => string>> = {
  after_guid: ({ guids }) => guids.app_usage_events ?? '',
  lifecycle_type: () => 'buildpack',
  lifecycle: () => 'buildpack',
  current: () => 'true',
  type: (_world) => 'managed',
}

/** Filters that only go together with another. */
const companions: Readonly<Record<string, string>> = { origins: 'usernames=somebody' }

test('every parameter that is declared is accepted with each of its values, and every one that is accepted is declared', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const world = await givenWorld(t, controller)
  const wrong: string[] = []
  let tried = 0
  for (const operation of operationsOf(await servedDocument(controller))) {
    if (operation.method !== 'GET' || !operation.path.startsWith('/v3/')) continue
    const path = pathOf(operation.path, world)
    const declared = operation.parameters.filter((one) => one.in === 'query')
    for (const parameter of declared) {
      for (const value of samples(parameter, operation, world)) {
        tried += 1
        const query = `${encodeURIComponent(parameter.name)}=${encodeURIComponent(value)}`
        const { status, body } = await admin.get(`${path}?${query}&${companions[parameter.name] ?? ''}`)
        if (status !== 200) wrong.push(`${operation.name}?${query}: ${status} ${body.errors?.[0]?.detail}`)
      }
    }
    const names = new Set(declared.map(({ name }) => name.replace(/\[.*/, '')))
    for (const name of await acceptedKeys(admin, path, operation, world))
      if (!names.has(name)) wrong.push(`${operation.name}: ${name} is accepted, but not declared`)
  }
  assert.deepEqual(wrong, [])
  assert.ok(tried > 1000, `${tried} values`)
})

function samples({ name, schema }: ServedParameter, { name: operation }: DocumentedServedOperation, world: World) {
  const listed = (schema.items ?? schema) as { enum?: readonly string[]; format?: string; type?: string }
  if (listed.enum) return listed.enum
  if (listed.format === 'date-time') return ['2026-01-01T00:00:00Z']
  if (listed.type === 'boolean') return ['true', 'false']
  if (listed.type === 'integer') return ['1']
  if (name === 'type' && operation.includes('credential')) return ['app', 'key']
  return [values[name]?.(world) ?? 'a']
}

/** The keys that the server names when it refuses one, but for those that it refuses all the same. */
async function acceptedKeys(
  admin: Client,
  path: string,
  { parameters }: DocumentedServedOperation,
  world: World,
): Promise<string[]> {
  const { status, body } = await admin.get(`${path}?no_such_parameter=1`)
  const detail = status === 200 ? '' : String(body.errors?.[0]?.detail)
  const [, named = ''] = /Valid parameters are: (.*)$/.exec(detail) ?? []
  const keys = [...named.matchAll(/'([^']+)'/g)].map(([, key = '']) => key)
  const accepted: string[] = []
  for (const key of keys) {
    const isDeclared = parameters.some(({ name }) => name.startsWith(key))
    const value = key.endsWith('_ats') ? '2026-01-01T00:00:00Z' : (values[key]?.(world) ?? '1')
    if (isDeclared || (await admin.get(`${path}?${key}=${value}`)).status === 200) accepted.push(key)
  }
  return accepted
}

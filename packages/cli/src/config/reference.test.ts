import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import { VcapConfig } from './schema.ts'
import { environmentSettings } from './settings.ts'

/** docs/guide/configuration.md is held to the schemas in both directions. */
const reference = readFileSync(new URL('../../../../docs/guide/configuration.md', import.meta.url), 'utf8')

interface Row {
  key: string
  /** The second column without backquotes, or undefined when it is not a plain value. */
  value: string | undefined
  text: string
}

/** The rows of the first table below a heading. */
function rowsBelow(heading: string): Row[] {
  const start = reference.indexOf(`\n${heading}\n`)
  assert.notEqual(start, -1, `there is no "${heading}"`)
  const end = reference.indexOf('\n#', start + 2)
  const section = reference.slice(start, end === -1 ? undefined : end)
  return section.split('\n').flatMap((line) => {
    const [, key, fallback] = /^\| `([\w.-]+)` \| ([^|]*?) ?\|/.exec(line) ?? []
    return key === undefined ? [] : [{ key, value: /^`(.*)`$/.exec(fallback ?? '')?.[1], text: line }]
  })
}

/** Leaf keys of a schema's input, with their defaults. */
function leaves(schema: z.ZodType): Map<string, unknown> {
  const found = new Map<string, unknown>()
  const Node = z.looseObject({
    properties: z.record(z.string(), z.unknown()).optional(),
    default: z.unknown().optional(),
  })
  const Mapping = z.record(z.string(), z.unknown()).catch({})
  const walk = (raw: unknown, path: string, inherited?: unknown) => {
    const node = Node.parse(raw)
    const fallback = node.default ?? inherited
    if (!node.properties) found.set(path, fallback)
    for (const [key, inner] of Object.entries(node.properties ?? {}))
      walk(inner, path === '' ? key : `${path}.${key}`, Mapping.parse(fallback)[key])
  }
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '')
  return found
}

function holds(heading: string, schema: z.ZodType): void {
  const rows = rowsBelow(heading)
  const keys = leaves(schema)
  const documented = new Set(rows.map(({ key }) => key))
  const missing = [...keys.keys()].filter((key) => !documented.has(key))
  const surplus = [...documented].filter((key) => !keys.has(key))
  assert.deepEqual({ missing, surplus }, { missing: [], surplus: [] }, `keys below "${heading}"`)
  for (const { key, value } of rows) {
    const fallback = keys.get(key)
    if (['string', 'number', 'boolean'].includes(typeof fallback) && value !== undefined)
      assert.equal(value, String(fallback), `default of ${key} below "${heading}"`)
  }
}

test('every key of vcap up is in the reference with its default, and no other', () => {
  holds('## The whole system', VcapConfig)
})

test('every environment variable is in the reference, in the row of its key', () => {
  const rows = rowsBelow('## The whole system')
  for (const { key, variable } of environmentSettings)
    assert(rows.find((row) => row.key === key)?.text.includes(`\`${variable}\``), `${variable} in the row of ${key}`)
  const named = new Set(reference.match(/\bVCAP_[A-Z_]+\b/g))
  const known = new Set<string>([...environmentSettings.map(({ variable }) => variable), 'VCAP_CONFIG'])
  assert.deepEqual(
    [...named].filter((name) => !known.has(name)),
    [],
  )
})

for (const [name, load] of [
  ['nats', async () => (await import('@vcap/nats-broker')).NatsBrokerConfig],
  ['uaa', async () => (await import('@vcap/uaa')).UaaConfig],
  ['router', async () => (await import('@vcap/router')).RouterConfig],
  ['log-cache', async () => (await import('@vcap/log-cache')).LogCacheConfig],
  ['controller', async () => (await import('@vcap/cloud-controller')).CloudControllerConfig],
  ['cell', async () => (await import('@vcap/cell')).CellConfig],
] as const) {
  test(`every key of ${name} is in the reference with its default, and no other`, async () => {
    holds(`### ${name}`, await load())
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { unknownKeys } from './unknown-keys.ts'

const schema = z
  .object({
    port: z.number().default(1),
    nats: z.object({ url: z.string() }).optional(),
    limits: z.object({ mem: z.number().nullable() }).prefault({ mem: 1 }),
    labels: z.record(z.string(), z.string()).optional(),
    own: z.strictObject({}).optional(),
  })
  .transform((config) => ({ ...config, derived: true }))

test('misspelt keys are found at every depth, through defaults, optionals and transformations', () => {
  const value = { port: 1, prot: 2, nats: { url: 'x', ulr: 'y' }, limits: { mem: null, men: 1 } }
  assert.deepEqual(unknownKeys(schema, value), ['prot', 'nats.ulr', 'limits.men'])
})

test('free keys of a mapping are not unknown, and a strict object reports its own', () => {
  assert.deepEqual(unknownKeys(schema, { labels: { any: 'x' }, own: { odd: 1 } }), [])
})

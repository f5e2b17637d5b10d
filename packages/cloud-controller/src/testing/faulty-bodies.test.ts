import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bodyShape } from './body-shapes.ts'
import { faultyBodies, type Shape } from './faulty-bodies.ts'
import { operationCases } from './operation-cases.ts'

const shape: Shape = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 7 },
    count: { type: ['integer', 'null'], maximum: 40 },
    space: { type: 'object', properties: { guid: { type: 'string' } }, required: ['guid'] },
  },
  required: ['name'],
}
const right = { name: 'hello', space: { guid: 'here' } }

test('every kind of fault is put into a body', () => {
  const texts = fc.sample(faultyBodies({ shape, right, wrongGuids: ['elsewhere'] }), { numRuns: 3000, seed: 1 })
  const bodies = texts.map((text) => Object(JSON.parse(text)))
  const some = (what: string, found: (body: Record<string, never>, text: string) => boolean): void =>
    assert.ok(
      bodies.some((body, index) => found(body, texts[index] ?? '')),
      what,
    )
  some('a field is missing', ({ name, space }) => name === undefined && space !== undefined)
  some('a field is null', ({ name }) => name === null)
  some('another type', ({ name }) => Array.isArray(name))
  some('the longest text', ({ name }) => name === 'aaaaaaa')
  some('a longer text', ({ name }) => name === 'aaaaaaaa')
  some('a number above its limit', ({ count }) => count === 41)
  some('an optional field that is right', ({ count, name }) => count === 1 && name !== 'hello')
  some('an unknown field', (body) => 'created_at' in body)
  some('a field given twice', (_, text) => (text.match(/"name":/g)?.length ?? 0) > 1)
  some('a guid of something else', ({ space }) => (space as { guid?: string } | undefined)?.guid === 'elsewhere')
  some('nested too deeply', (_, text) => /[[{]{101}|(\{"data":){101}/.test(text))
})

test('a failure is shrunk to the field that it is about', () => {
  const bodies = faultyBodies({ shape, right, wrongGuids: ['elsewhere'] })
  const isAccepted = fc.property(bodies, (text) => !/"count":(?!null)/.test(text))
  const { counterexample } = fc.check(isAccepted, { seed: 1 })
  assert.match(counterexample?.[0] ?? '', /^\{"name":"hello","space":\{"guid":"here"\},"count":.{0,20}\}$/)
})

test('every operation that takes JSON has a schema to make bodies from', () => {
  const without = Object.entries(operationCases).flatMap(([operation, { body }]) =>
    body && Object.keys(bodyShape(operation)).length === 0 ? [operation] : [],
  )
  // It takes none; the body is there to be refused.
  assert.deepEqual(without, ['POST /v3/app_usage_events/actions/destructively_purge_all_and_reseed'])
})

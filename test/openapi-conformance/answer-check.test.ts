import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerCheck } from './answer-check.ts'
import { FieldCoverage } from './declared-fields.ts'
import { readReferenceDocument } from './reference-document.ts'

const schemas = {
  Identity: {
    type: 'object',
    properties: { guid: { type: 'string' }, created_at: { type: 'string', format: 'date-time' } },
  },
  App: {
    allOf: [
      { $ref: '#/components/schemas/Identity' },
      {
        properties: { name: { type: 'string' }, labels: { type: 'object', additionalProperties: { type: 'string' } } },
      },
    ],
  },
  Instance: {
    oneOf: [{ $ref: '#/components/schemas/Managed' }, { $ref: '#/components/schemas/UserProvided' }],
    discriminator: {
      propertyName: 'type',
      mapping: { managed: '#/components/schemas/Managed', own: '#/components/schemas/UserProvided' },
    },
  },
  Managed: { type: 'object', properties: { type: { const: 'managed' }, plan: { type: 'string' } }, required: ['plan'] },
  UserProvided: { type: 'object', properties: { type: { const: 'own' } } },
}

/** A check by a document that has these schemas, and GET /things that answers 200 with `schema`. */
async function given(t: TestContext, schema: Record<string, unknown> | undefined) {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-openapi-'))
  t.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'openapi.json')
  const answer = { description: 'OK', ...(schema && { content: { 'application/json': { schema } } }) }
  const paths = { '/things': { get: { responses: { 200: answer } } } }
  await writeFile(path, JSON.stringify({ openapi: '3.1.0', paths, components: { schemas } }))
  const document = readReferenceDocument(path)
  const [operation] = document?.operations ?? []
  if (!document || !operation) throw new Error('the document has no operation')
  const coverage = new FieldCoverage()
  const check = answerCheck(document, coverage)
  const faults = (body: unknown, status = 200, contentType = 'application/json; charset=utf-8') =>
    check(operation, { status, contentType, body }).map(({ at, what }) => `${at}: ${what}`)
  return { faults, neverSent: () => coverage.faults().map(({ at }) => at) }
}

const listOfApps = {
  type: 'object',
  properties: { resources: { type: 'array', items: { $ref: '#/components/schemas/App' } } },
}
const app = { guid: 'a', created_at: '2026-01-01T00:00:00Z', name: 'hello', labels: { 'a/b': 'c' } }

test('an answer that is as documented has no fault', async (t) => {
  const { faults, neverSent } = await given(t, listOfApps)
  assert.deepEqual(faults({ resources: [app] }), [])
  assert.deepEqual(neverSent(), [])
})

test('fields of a wrong type, format or name are told by the schema that has them', async (t) => {
  const { faults } = await given(t, listOfApps)
  const wrong = { ...app, name: 1, created_at: 'today', labels: { 'a/b': null }, colour: 'red' }
  assert.deepEqual(faults({ resources: [app, wrong] }).toSorted(), [
    'App/colour: undocumented',
    'App/created_at: format: must match format "date-time"',
    'App/labels/*: type: must be string',
    'App/name: type: must be string',
  ])
})

test('a declared field is missed when no answer has it', async (t) => {
  const { faults, neverSent } = await given(t, listOfApps)
  const { name: _, labels: __, ...bare } = app
  assert.deepEqual(faults({ resources: [bare] }), [])
  assert.deepEqual(neverSent(), ['App/name', 'App/labels'])
  assert.deepEqual(faults({ resources: [{ ...bare, name: 'hello' }] }), [])
  assert.deepEqual(neverSent(), ['App/labels'])
})

test('of alternatives the one counts that the discriminator names', async (t) => {
  const { faults, neverSent } = await given(t, { $ref: '#/components/schemas/Instance' })
  assert.deepEqual(faults({ type: 'own' }), [])
  assert.deepEqual(neverSent(), [])
  assert.deepEqual(faults({ type: 'managed' }), ['Instance: oneOf: must match exactly one schema in oneOf'])
})

test('a status, a content type and the presence of a body are compared', async (t) => {
  const { faults } = await given(t, listOfApps)
  assert.deepEqual(faults({}, 201), ['GET /things: status 201'])
  assert.deepEqual(faults('', 200), ['GET /things: 200 without a body'])
  assert.deepEqual(faults('a: b', 200, 'application/x-yaml'), ['GET /things: 200 of application/x-yaml'])
  const { faults: faultsOfNone } = await given(t, undefined)
  assert.deepEqual(faultsOfNone(''), [])
  assert.deepEqual(faultsOfNone({}), ['GET /things: 200 with a body'])
})

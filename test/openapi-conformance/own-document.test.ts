import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../packages/cloud-controller/src/testing/test-controller.ts'
import { documentOf } from './reference-document.ts'
import { walkDocument } from './walk.ts'

/** What these requests do not show. */
const expected = [
  // It reads no body, so no field of one is unknown.
  'POST /v3/app_usage_events/actions/destructively_purge_all_and_reseed: 200 with an unknown field',
  // Only of a check by HTTP.
  'Process/readiness_health_check/data/endpoint: never sent',
  // Only with `embed`.
  'Process/process_instances: never sent',
  // Only with `fields[…]`.
  'GET /v3/service_instances/included: never sent',
  'GET /v3/service_instances/{guid}/included: never sent',
]

test('every answer is what the served document says of it: status, content type, schema, and no field besides', async (t) => {
  const { anonymous } = await testController(t)
  const document = documentOf((await anonymous.get('/openapi.json')).body)
  const operations = document.operations.filter(({ path }) => path === '/' || path.startsWith('/v3'))
  const { served, unknown, faults } = await walkDocument(t, { ...document, operations })
  assert.deepEqual(unknown, [])
  assert.equal(served.length, operations.length)
  assert.deepEqual(faults.map(({ at, what }) => `${at}: ${what}`).toSorted(), expected.toSorted())
})

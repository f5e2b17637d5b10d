import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Hono } from 'hono'
import { operationCases } from '../../testing/operation-cases.ts'
import { operationsOf, servedDocument } from '../../testing/served-document.ts'
import { testController } from '../../testing/test-controller.ts'
import { openapiDocument } from './document.ts'

/** What is served besides the v3 API: to everyone, and to other components. */
const besides = [
  'GET /',
  'GET /v3',
  'GET /v3/info',
  'GET /v2/info',
  'GET /healthz',
  'GET /openapi.json',
  'GET /internal/v4/log_access/:guid',
  'GET /staging/packages/:guid/download',
  'GET /staging/droplets/:guid/download',
  'GET /staging/buildpacks/:guid/download',
  'GET /staging/buildpack_cache/:stack/:app_guid/download',
  'POST /staging/droplets/:build_guid/upload',
  'POST /staging/buildpack_cache/:stack/:app_guid/upload',
]

test('the document is valid OpenAPI 3.1', async (t) => {
  const controller = await testController(t)
  const document = await servedDocument(controller)
  assert.equal(document.openapi, '3.1.0')
  assert.deepEqual(document.servers, [{ url: controller.settings.externalUrl }])
  const { valid, errors } = await new Validator().validate({ ...structuredClone(document) })
  assert.equal(valid, true, JSON.stringify(errors))
})

test('it has every operation that is served, and nothing else, each with a name of its own', async (t) => {
  const operations = operationsOf(await servedDocument(await testController(t)))
  assert.deepEqual(
    operations.map(({ name }) => name).toSorted(),
    [...Object.keys(operationCases), ...besides].toSorted(),
  )
  const ids = operations.map(({ operationId }) => operationId)
  assert.deepEqual(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  )
})

test('what it calls open needs no token, and everything else does', async (t) => {
  const controller = await testController(t)
  const { anonymous } = controller
  const wrong: string[] = []
  for (const { name, method, path, security } of operationsOf(await servedDocument(controller))) {
    const isOpen = security.length === 0
    const send = { GET: anonymous.get, POST: anonymous.post, PATCH: anonymous.patch, DELETE: anonymous.delete }[method]
    const { status } = (await send?.(path.replaceAll(':', ''))) ?? { status: 0 }
    if (status !== (isOpen ? 200 : 401)) wrong.push(`${name}: ${status}`)
  }
  assert.deepEqual(wrong, [])
})

test('a route that does not say what it answers makes no document', () => {
  const app = new Hono().get('/v3/things/:guid', (c) => c.json({}))
  assert.throws(
    () => openapiDocument(app.routes, { externalUrl: 'http://api.example.org' }),
    /GET \/v3\/things\/:guid does not say what it answers/,
  )
})

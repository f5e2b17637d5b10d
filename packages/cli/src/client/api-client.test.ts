import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { z } from 'zod'
import { ApiClient, ApiRequestError } from './api-client.ts'
import { AppLog } from './app-log.ts'

interface Answer {
  status?: number
  body?: unknown
  headers?: Record<string, string>
}

/** A server with the root document and the login that every session begins with, and further answers by `METHOD /path`. */
async function api(context: TestContext, answers: Record<string, Answer | Answer[]> = {}) {
  const requests: { line: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    const line = `${request.method} ${request.url}`
    requests.push({ line, headers: request.headers, body: await text(request) })
    const planned = answers[line] ?? builtIn[line] ?? { status: 404, body: 'no such page' }
    const answer = Array.isArray(planned) ? (planned.length > 1 ? planned.shift() : planned[0]) : planned
    response.writeHead(answer?.status ?? 200, { 'content-type': 'application/json', ...answer?.headers })
    response.end(typeof answer?.body === 'string' ? answer.body : JSON.stringify(answer?.body ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const links = { cloud_controller_v3: { href: `${url}/v3` }, login: { href: url }, log_cache: { href: url } }
  const builtIn: Record<string, Answer> = {
    'GET /': { body: { links } },
    'POST /oauth/token': { body: { access_token: 'a-token' } },
  }
  return { url, requests }
}

test('a login goes through the links of the root document, as the client cf', async (t) => {
  const { url, requests } = await api(t, { 'GET /v3/organizations': { body: { resources: [] } } })
  const client = await ApiClient.login(url, 'admin', 'a&b')
  await client.call(z.unknown(), 'GET', '/v3/organizations')
  const [, login, call] = requests
  assert.equal(login?.headers.authorization, `Basic ${btoa('cf:')}`)
  assert.equal(login?.body, 'grant_type=password&username=admin&password=a%26b')
  assert.equal(call?.headers.authorization, 'bearer a-token')
})

test("an error is told in the API's own words", async (t) => {
  const errors = [{ code: 10008, title: 'CF-UnprocessableEntity', detail: 'Name must be unique' }]
  const { url } = await api(t, { 'POST /v3/spaces': { status: 422, body: { errors } } })
  const client = await ApiClient.login(url, 'admin', 'admin')
  await assert.rejects(client.call(z.unknown(), 'POST', '/v3/spaces', { json: {} }), (error) => {
    assert(error instanceof ApiRequestError)
    assert.equal(error.status, 422)
    assert.match(error.message, /CF-UnprocessableEntity: Name must be unique/)
    assert.deepEqual(error.errors, [{ title: 'CF-UnprocessableEntity', detail: 'Name must be unique' }])
    return true
  })
  await assert.rejects(client.call(z.unknown(), 'GET', '/nowhere'), /answered 404: no such page/)
})

test('an answer without content is undefined', async (t) => {
  const { url } = await api(t, { 'DELETE /v3/routes/1/destinations/2': { status: 204, body: '' } })
  const client = await ApiClient.login(url, 'admin', 'admin')
  assert.equal(await client.call(z.undefined(), 'DELETE', '/v3/routes/1/destinations/2'), undefined)
})

test('an answer in another shape is an error that names the field', async (t) => {
  const { url } = await api(t, { 'GET /v3/apps/1': { body: { guid: 7 } } })
  const client = await ApiClient.login(url, 'admin', 'admin')
  await assert.rejects(client.call(z.object({ guid: z.string() }), 'GET', '/v3/apps/1'), /another shape[\s\S]*guid/)
})

test('a call with a job waits for the job, and a failed job is an error with its reason', async (t) => {
  const failed = { body: { state: 'FAILED', errors: [{ detail: 'The manifest is odd' }] } }
  const { url, requests } = await api(t, {
    'POST /good': { status: 202, headers: { location: '/v3/jobs/1' } },
    'GET /v3/jobs/1': [{ body: { state: 'PROCESSING' } }, { body: { state: 'COMPLETE' } }],
    'POST /bad': { status: 202, headers: { location: '/v3/jobs/2' } },
    'GET /v3/jobs/2': failed,
  })
  const client = await ApiClient.login(url, 'admin', 'admin')
  await client.callAndWait('POST', '/good', {})
  assert.equal(requests.filter(({ line }) => line === 'GET /v3/jobs/1').length, 2)
  await assert.rejects(client.callAndWait('POST', '/bad', {}), /POST \/bad: The manifest is odd/)
})

test('what never gets as wanted is an error that shows how it is', async (t) => {
  const { url } = await api(t, { 'GET /v3/builds/1': { body: { state: 'STAGING' } } })
  const client = await ApiClient.login(url, 'admin', 'admin')
  const Build = z.object({ state: z.string() })
  await assert.rejects(
    client.poll(Build, '/v3/builds/1', ({ state }) => state === 'STAGED', 50),
    /still this after 0\.05 s: {"state":"STAGING"}/,
  )
})

test("an app's log gives every line once, and also those that come late", async (t) => {
  const envelope = (timestamp: string, line: string) => ({
    timestamp,
    source_id: 'app',
    instance_id: '0',
    tags: { source_type: 'APP/PROC/WEB' },
    log: { payload: btoa(line), type: 'OUT' },
  })
  const read = (from: string, ...batch: unknown[]) => ({
    [`GET /api/v1/read/app?start_time=${from}&limit=1000&envelope_types=LOG`]: { body: { envelopes: { batch } } },
  })
  const two = envelope('1765432100000000002', 'two')
  const { url } = await api(t, {
    ...read('0', envelope('1765432099000000001', 'one'), two),
    ...read(
      '1765432098000000002',
      envelope('1765432100000000001', 'late'),
      two,
      envelope('1765432105000000009', 'three'),
    ),
    ...read('1765432103000000009', envelope('1765432105000000009', 'three')),
  })
  const log = new AppLog(await ApiClient.login(url, 'admin', 'admin'), 'app')
  const lines = async () => (await log.newLines()).map(({ source, text }) => `${source} ${text}`)
  assert.deepEqual(await lines(), ['APP/PROC/WEB/0 one', 'APP/PROC/WEB/0 two'])
  assert.deepEqual(await lines(), ['APP/PROC/WEB/0 late', 'APP/PROC/WEB/0 three'])
  assert.deepEqual(await lines(), [])
})

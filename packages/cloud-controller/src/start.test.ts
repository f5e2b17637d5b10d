import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext, test } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { unusedPort } from '@vcap/nats-broker/testing/unused-port'
import type { RunningComponent } from '@vcap/protocol'
import { pino } from 'pino'
import { startCloudController } from './start.ts'
import { eventually } from './testing/eventually.ts'
import { FakeUaa } from './testing/fake-uaa.ts'
import { globalScopes } from './testing/test-controller.ts'
import { testDatabase } from './testing/test-database.ts'

const logger = pino({ level: process.env.VCAP_TEST_LOG ?? 'silent' })
const requestIdForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

interface System {
  readonly url: string
  readonly controller: RunningComponent
  readonly broker: Awaited<ReturnType<typeof startNatsBroker>>
  readonly uaa: FakeUaa
  readonly directory: string
  readonly databaseUrl: string
}

type Cleaner = Pick<TestContext, 'after'>

/** A Cloud Controller on free ports with a broker and a UAA; stopped when the test ends. */
async function givenSystem(t: Cleaner, config: Record<string, unknown> = {}): Promise<System> {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-start-'))
  const database = await testDatabase(directory)
  const broker = await startNatsBroker({ port: 0 }, { logger })
  const uaa = await FakeUaa.open(t as TestContext)
  const controller = await startCloudController(
    {
      port: 0,
      dataDirectory: directory,
      databaseUrl: database.url,
      nats: { url: broker.addresses.nats },
      uaa: { url: uaa.url, clientId: 'controller', clientSecret: 'secret' },
      stagingAuth: { username: 'staging', password: 'staging-secret' },
      encryptionKeys: { current: 'first', keys: { first: 'a key for tests' } },
      threads: { minimumRequestThreads: 1 },
      metrics: { port: 0 },
      packages: { maximumSizeInBytes: 100_000 },
      ...config,
    },
    { logger },
  )
  t.after(async () => {
    await controller.stop()
    await broker.stop()
    await database.giveBack()
    await rm(directory, { recursive: true, force: true })
  })
  return { url: controller.addresses.http ?? '', controller, broker, uaa, directory, databaseUrl: database.url }
}

describe('a Cloud Controller', () => {
  let system: System
  const endings: Array<() => unknown> = []
  before(async () => {
    system = await givenSystem({ after: (ending) => void endings.push(() => ending?.({} as TestContext, () => {})) })
  })
  after(async () => {
    for (const ending of endings.reverse()) await ending()
  })

  it('answers root documents with a request id, and addresses under which it is found', async () => {
    const info = await fetch(`${system.url}/v3/info`)
    assert.equal(info.status, 200)
    assert.equal(info.headers.get('content-type'), 'application/json; charset=utf-8')
    assert.match(info.headers.get('x-vcap-request-id') ?? '', requestIdForm)
    const { links } = (await info.json()) as { links: { self: { href: string } } }
    assert.equal(links.self.href, `http://localhost:${new URL(system.url).port}/v3/info`)
    const slash = await fetch(`${system.url}/v3/info/`)
    assert.deepEqual(await slash.json(), await (await fetch(`${system.url}/v3/info?x=1`)).json())
  })

  it('keeps the id of an incoming request as prefix, on every answer', async () => {
    for (const path of ['/healthz', '/v3/apps', '/nowhere', '/v3/nowhere', '/staging/packages/x/download']) {
      const { headers } = await fetch(`${system.url}${path}`, { headers: { 'x-vcap-request-id': 'mine!' } })
      assert.match(headers.get('x-vcap-request-id') ?? '', /^mine::[0-9a-f-]{36}$/, path)
    }
  })

  it('answers 401 in the words of CC without a token, with a bad one, and 403 with scopes that do not allow it', async () => {
    const ask = async (authorization?: string) => {
      const answer = await fetch(`${system.url}/v3/apps`, { headers: authorization ? { authorization } : {} })
      return [answer.status, ((await answer.json()) as { errors: unknown[] }).errors]
    }
    const notAuthenticated = { code: 10_002, title: 'CF-NotAuthenticated', detail: 'Authentication error' }
    const invalid = { code: 1_000, title: 'CF-InvalidAuthToken', detail: 'Invalid Auth Token' }
    assert.deepEqual(await ask(), [401, [notAuthenticated]])
    assert.deepEqual(await ask('bearer nonsense'), [401, [invalid]])
    assert.deepEqual(await ask('Basic YTpi'), [401, [invalid]])
    const [status, [error]] = (await ask(`bearer ${await system.uaa.token({ scope: ['openid'] })}`)) as [
      number,
      [object],
    ]
    assert.deepEqual([status, (error as { code: number }).code], [403, 10_003])
  })

  it('answers 404 to a path or verb that nobody serves, also without a token', async () => {
    const unknown = { errors: [{ code: 10_000, title: 'CF-NotFound', detail: 'Unknown request' }] }
    for (const [method, path] of [
      ['GET', '/nowhere'],
      ['GET', '/v3/nowhere'],
      ['PUT', '/v3/apps'],
    ] as const) {
      const answer = await fetch(`${system.url}${path}`, { method })
      assert.deepEqual([answer.status, await answer.json()], [404, unknown], `${method} ${path}`)
    }
  })

  it('serves a caller, whose guid it names, on threads with a database', async () => {
    const authorization = `bearer ${await system.uaa.token({ user_id: 'the-admin', scope: globalScopes.admin })}`
    const body = JSON.stringify({ name: 'acme' })
    const created = await fetch(`${system.url}/v3/organizations`, { method: 'POST', headers: { authorization }, body })
    assert.equal(created.status, 201)
    assert.equal(created.headers.get('x-user-guid'), 'the-admin')
    const taken = await fetch(`${system.url}/v3/organizations`, { method: 'POST', headers: { authorization }, body })
    assert.equal(taken.status, 422)
    assert.equal(taken.headers.get('x-user-guid'), 'the-admin')
    assert.match(taken.headers.get('x-vcap-request-id') ?? '', requestIdForm)
    assert.equal(taken.headers.get('x-reactor-route'), null)
    const head = await fetch(`${system.url}/v3/organizations/`, { method: 'HEAD', headers: { authorization } })
    assert.deepEqual([head.status, await head.text()], [200, ''])
  })

  it('answers what never reaches a thread in the form of CC, with a request id', async () => {
    // The body itself is not sent: the answer to one that is not read may be lost with the connection.
    const tooLarge = await raw(system.url, 'POST /v3/apps HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n')
    assert.match(tooLarge, /^HTTP\/1\.1 413 [\s\S]*\r\nX-VCAP-Request-ID: [0-9a-f-]{36}\r\n/)
    assert.deepEqual(JSON.parse(tooLarge.slice(tooLarge.indexOf('\r\n\r\n'))), {
      errors: [{ code: 1_004, title: 'CF-BadRequest', detail: 'Bad request: The request body is too large' }],
    })
    const headers = await raw(system.url, `GET /v3/apps HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(70_000)}\r\n\r\n`)
    assert.match(headers, /^HTTP\/1\.1 431 /)
    assert.match(headers, /\r\nX-VCAP-Request-ID: [0-9a-f-]{36}\r\n/)
    assert.match(headers, /"title":"CF-InvalidRequest"/)
    for (const path of ['/v3/apps', '/v3/info']) {
      const withoutHost = await raw(system.url, `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`)
      assert.match(withoutHost, /^HTTP\/1\.1 400 [\s\S]*\r\nX-VCAP-Request-ID: [\s\S]*"title":"CF-InvalidRequest"/i)
    }
    assert.match(await raw(system.url, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"title":"CF-InvalidRequest"/)
  })

  it('serves metrics on an address of its own', async () => {
    for (const line of [
      /^cc_nats_connected 1$/m,
      /^reactor_threads\{pool="request",state="idle"\} \d+$/m,
      /^reactor_request_duration_seconds_count\{.*route="\/v3\/organizations".*\} \d+$/m,
      /^cc_work_duration_seconds_count\{work="run-due-jobs",outcome="done"\} \d+$/m,
      /^cc_database_statements_total [1-9]\d*$/m,
      /^cc_database_seconds_total 0?\.?\d*[1-9]/m,
      /^cc_database_repeated_transactions_total \d+$/m,
      /^process_cpu_seconds_total /m,
    ])
      await eventually(`a line like ${line}`, async () => {
        const answer = await fetch(`${system.controller.addresses.metrics}/metrics`)
        return answer.status === 200 && line.test(await answer.text())
      })
    assert.equal((await fetch(`${system.controller.addresses.metrics}/`)).status, 404)
    assert.equal((await fetch(`${system.url}/metrics`)).status, 404)
  })

  it('does not start on a port in use, and leaves no connection behind', async () => {
    const before = system.broker.statistics.connections
    const { port } = new URL(system.url)
    await assert.rejects(startCloudController({ ...configOf(system), port: Number(port) }, { logger }), /EADDRINUSE/)
    await eventually('its connection to NATS is closed', () => system.broker.statistics.connections === before)
  })
})

test('a request that overruns its deadline is answered 504 in the form of CC', async (t) => {
  const { url, uaa } = await givenSystem(t, { threads: { minimumRequestThreads: 1, requestDeadlineInSeconds: 0.3 } })
  uaa.answer = () => undefined
  const authorization = `bearer ${await uaa.token({ scope: globalScopes.admin })}`
  const answer = await fetch(`${url}/v3/users?usernames=somebody`, { headers: { authorization } })
  assert.equal(answer.status, 504)
  assert.match(answer.headers.get('x-vcap-request-id') ?? '', requestIdForm)
  const { errors } = (await answer.json()) as { errors: Array<{ code: number }> }
  assert.equal(errors[0]?.code, 10_001)
})

test('stop closes everything, and a second start finds what the first wrote', async (t) => {
  // Ports that nobody else gets as soon as they are free.
  const first = await givenSystem(t, { port: await unusedPort(), metrics: { port: await unusedPort() } })
  const authorization = `bearer ${await first.uaa.token({ scope: globalScopes.admin })}`
  const body = JSON.stringify({ name: 'acme' })
  await fetch(`${first.url}/v3/organizations`, { method: 'POST', headers: { authorization }, body })
  await first.controller.stop()
  await assert.rejects(fetch(`${first.url}/v3/info`))
  await assert.rejects(fetch(`${first.controller.addresses.metrics}/metrics`))
  await eventually('the connection to NATS is closed', () => first.broker.statistics.connections === 0)

  const second = await startCloudController(configOf(first), { logger })
  t.after(() => second.stop())
  const answer = await fetch(`${second.addresses.http}/v3/organizations`, { headers: { authorization } })
  const { resources } = (await answer.json()) as { resources: Array<{ name: string }> }
  assert.deepEqual(
    resources.map(({ name }) => name),
    ['acme'],
  )
  assert.deepEqual(Object.keys(second.addresses), ['http'])
})

test('stop does not wait for a broker that is gone', { timeout: 120_000 }, async (t) => {
  const { controller, broker } = await givenSystem(t)
  await broker.stop()
  await controller.stop()
})

function configOf({ directory, databaseUrl, broker, uaa }: System) {
  return {
    port: 0,
    dataDirectory: directory,
    databaseUrl,
    nats: { url: broker.addresses.nats },
    uaa: { url: uaa.url, clientId: 'controller', clientSecret: 'secret' },
    stagingAuth: { username: 'staging', password: 'staging-secret' },
    encryptionKeys: { current: 'first', keys: { first: 'a key for tests' } },
    threads: { minimumRequestThreads: 1 },
  }
}

/** Sends bytes and gives what came back. */
function raw(url: string, text: string): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ''
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk) => (received += chunk.toString('latin1')))
    socket.on('close', () => resolve(received))
    socket.on('error', (error) => (received === '' ? reject(error) : resolve(received)))
    socket.write(text)
  })
}

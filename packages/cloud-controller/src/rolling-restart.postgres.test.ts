import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { pino } from 'pino'
import { openDatabase } from './db/database.ts'
import { Balancer } from './testing/balancer.ts'
import { ControllerProcess } from './testing/controller-process.ts'
import { eventually } from './testing/eventually.ts'
import { FakeUaa } from './testing/fake-uaa.ts'
import { globalScopes } from './testing/test-controller.ts'
import { postgresUrl, testDatabase } from './testing/test-database.ts'
import { zipOf } from './testing/uploads.ts'

const skip = postgresUrl === undefined && 'VCAP_TEST_POSTGRES_URL names no PostgreSQL server'
const requestThreads = 2
const clientCount = 4
/** Apps that come and go between two steps of the restart. */
const livesBetween = 4

test('two Cloud Controllers behind a balancer are restarted one after the other, and no request is lost', {
  skip,
}, async (t) => {
  const { balancer, authorizations, databaseUrl, start } = await given(t)
  const controllers = [await start(), await start()]
  const apis = authorizations.map((authorization) => apiOf(balancer.url, authorization))
  const space = await givenSpaceThrough(apis[0] ?? assert.fail())
  const archive = await zipOf({ 'app.bin': randomBytes(300_000).toString('base64') })

  let isRunning = true
  let lives = 0
  const clients = Promise.all(
    apis.map(async (api, client) => {
      for (let count = 0; isRunning; count += 1) {
        await liveAnAppsLife(api, { name: `app-${client}-${count}`, space, archive })
        lives += 1
      }
    }),
  )
  const more = async (): Promise<void> => {
    const wanted = lives + livesBetween
    // A client that failed says why; waiting for it would not.
    await Promise.race([clients, eventually('apps come and go', () => lives >= wanted)])
  }
  await more()
  for (const controller of controllers) {
    assert.equal(await controller.stop(), 0, controller.output)
    balancer.remove(controller.url)
    await more()
    await start()
    await more()
  }
  isRunning = false
  await clients
  assert.deepEqual(balancer.failures, [])
  const counts = await done(databaseUrl)
  assert.equal(Object.keys(counts).length, 10)
  for (const [what, count] of Object.entries(counts)) assert.equal(count, lives, what)
})

/** What every client does again and again. Throws when an answer is not the one that is due. */
async function liveAnAppsLife(
  api: ReturnType<typeof apiOf>,
  { name, space, archive }: { name: string; space: string; archive: Buffer },
): Promise<void> {
  const app = await api('POST', '/v3/apps', 201, { name, ...to('space', space) })
  await api('PATCH', `/v3/apps/${app.guid}`, 200, { metadata: { labels: { state: 'patched' } } })
  assert.equal((await api('GET', `/v3/apps/${app.guid}`, 200)).metadata.labels.state, 'patched')
  const { guid } = await api('POST', '/v3/packages', 201, { type: 'bits', ...to('app', app.guid) })
  const form = new FormData()
  form.set('bits', new Blob([new Uint8Array(archive)]), 'app.zip')
  assert.equal((await api('POST', `/v3/packages/${guid}/upload`, 200, form)).state, 'READY')
  assert.equal((await api('GET', `/v3/packages/${guid}/download`, 200)).length, archive.length)
  const job = await api('DELETE', `/v3/apps/${app.guid}`, 202)
  await eventually('the app is deleted', async () => {
    const { state } = await api('GET', job.path, 200)
    assert.notEqual(state, 'FAILED')
    return state === 'COMPLETE'
  })
  await api('GET', `/v3/apps/${app.guid}`, 404)
}

const to = (kind: string, guid: string) => ({ relationships: { [kind]: { data: { guid } } } })

/** Sends a request and gives the answer's JSON, the length of its file, or the path of its job. */
function apiOf(url: string, authorization: string) {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  return async (method: string, path: string, status: number, body?: unknown): Promise<any> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization },
      ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const isFile = answer.headers.get('content-type') === 'application/zip'
    assert.equal(answer.status, status, `${method} ${path}: ${isFile ? '' : bytes.toString()}`)
    const location = answer.headers.get('location')
    if (location !== null) return { path: new URL(location).pathname }
    return isFile ? { length: bytes.length } : JSON.parse(bytes.toString())
  }
}

async function givenSpaceThrough(api: ReturnType<typeof apiOf>): Promise<string> {
  const { guid } = await api('POST', '/v3/organizations', 201, { name: 'acme' })
  return (await api('POST', '/v3/spaces', 201, { name: 'dev', ...to('organization', guid) })).guid
}

/** How often something was done, as the database says. */
async function done(databaseUrl: string): Promise<Record<string, number>> {
  const db = await openDatabase(databaseUrl)
  try {
    const events = await db.selectFrom('audit_events').select('type').where('type', 'like', 'audit.app.%').execute()
    const jobs = await db.selectFrom('jobs').select(['state', 'attempts']).execute()
    const once = jobs.filter(({ state, attempts }) => state === 'COMPLETE' && attempts === 1)
    assert.equal(once.length, jobs.length, JSON.stringify(jobs))
    const counts = [...Map.groupBy(events, ({ type }) => type)].map(([type, { length }]) => [type, length] as const)
    return { ...Object.fromEntries(counts), 'jobs that were run once': once.length }
  } finally {
    await db.destroy()
  }
}

/** A balancer, and what Cloud Controllers behind it share: a database, a broker, a UAA and a disk. */
async function given(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-rolling-'))
  const broker = await startNatsBroker({ port: 0 }, { logger: pino({ level: 'silent' }) })
  const database = await testDatabase(directory)
  const uaa = await FakeUaa.open(t)
  const balancer = await Balancer.open(t)
  const started: ControllerProcess[] = []
  t.after(async () => {
    await Promise.all(started.map((controller) => controller.stop()))
    await broker.stop()
    await database.giveBack()
    await rm(directory, { recursive: true, force: true })
  })
  const tokens = await Promise.all(Array.from({ length: clientCount }, () => uaa.token({ scope: globalScopes.admin })))
  const authorizations = tokens.map((token) => `bearer ${token}`)
  const keyRequests = () => uaa.requests.filter((request) => request === 'GET /token_keys').length
  /** Each thread asks the UAA for its keys once. On a machine that is very busy that may take too long, which is no matter of this test. */
  const knowsKeys = async (controller: ControllerProcess): Promise<void> => {
    const before = keyRequests()
    const ask = async (authorization: string) =>
      (await fetch(`${controller.url}/v3/spaces`, { headers: { authorization } })).status
    await eventually('all threads can tell who asks', async () => {
      const statuses = await Promise.all(authorizations.map(ask))
      return keyRequests() >= before + requestThreads && statuses.every((status) => status === 200)
    })
  }
  const start = async (): Promise<ControllerProcess> => {
    const controller = await ControllerProcess.start(t, directory, {
      port: 0,
      externalUrl: balancer.url,
      drainInSeconds: 2,
      dataDirectory: directory,
      databaseUrl: database.url,
      nats: { url: broker.addresses.nats },
      uaa: { url: uaa.url, clientId: 'controller', clientSecret: 'secret' },
      stagingAuth: { username: 'staging', password: 'staging-secret' },
      encryptionKeys: { current: 'first', keys: { first: 'a key for tests' } },
      threads: { minimumRequestThreads: requestThreads, maximumRequestThreads: requestThreads },
    })
    started.push(controller)
    await knowsKeys(controller)
    balancer.add(controller.url)
    return controller
  }
  return { balancer, authorizations, databaseUrl: database.url, start }
}

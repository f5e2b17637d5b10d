import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { get, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type TestContext, test } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { pino } from 'pino'
import { ZipFile } from 'yazl'
import { ControllerProcess } from './testing/controller-process.ts'
import { eventually } from './testing/eventually.ts'
import { FakeUaa } from './testing/fake-uaa.ts'
import { globalScopes } from './testing/test-controller.ts'
import { testDatabase } from './testing/test-database.ts'

const mebibyte = 1024 * 1024
/** What stays flat for so many stays flat for more; VCAP_TEST_BODY_MIB=1020 takes the largest package that is allowed. */
const sizeInMib = Number(process.env.VCAP_TEST_BODY_MIB ?? 192)
const flatInMib = 40
const requestThreads = 2
const skip = process.platform !== 'linux' && 'only Linux tells what another process holds'

test(`a package of ${sizeInMib} MiB goes up and down with flat memory`, { skip, timeout: 300_000 }, async (t) => {
  const { controller, authorization, uploads } = await given(t)
  const create = async (path: string, body: unknown): Promise<string> => {
    const init = { method: 'POST', headers: { authorization }, body: JSON.stringify(body) }
    const answer = await fetch(`${controller.url}${path}`, init)
    assert.equal(answer.status, 201)
    return ((await answer.json()) as { guid: string }).guid
  }
  const to = (kind: string, guid: string) => ({ relationships: { [kind]: { data: { guid } } } })
  const organization = await create('/v3/organizations', { name: 'acme' })
  const space = await create('/v3/spaces', { name: 'dev', ...to('organization', organization) })
  const app = await create('/v3/apps', { name: 'large', ...to('space', space) })

  const transfer = async (mib: number): Promise<void> => {
    const guid = await create('/v3/packages', { type: 'bits', ...to('app', app) })
    const address = `${controller.url}/v3/packages/${guid}`
    const sent = await upload(`${address}/upload`, authorization, mib)
    assert.equal(await download(`${address}/download`, authorization), sent)
  }
  await transfer(8)
  // The listener opens with the first thread, and each that starts later takes its own memory.
  await eventually('all threads have started', async () => {
    const counts = [controller.threads('request', 'idle'), controller.threads('job', 'idle')]
    const starting = [controller.threads('request', 'starting'), controller.threads('job', 'starting')]
    const [requests = 0, jobs = 0, ...left] = await Promise.all([...counts, ...starting])
    return requests >= requestThreads && jobs >= 1 && left.every((count) => count === 0)
  })
  const growth = await controller.growthInMib(() => transfer(sizeInMib))
  assert.ok(growth < flatInMib, `it took ${growth.toFixed(0)} MiB`)
  await eventually('the temporary files are deleted', async () => (await readdir(uploads)).length === 0)
  assert.equal(await controller.stop(), 0)
})

async function given(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-transfer-'))
  const broker = await startNatsBroker({ port: 0 }, { logger: pino({ level: 'silent' }) })
  const database = await testDatabase(directory)
  const uaa = await FakeUaa.open(t)
  const controller = await ControllerProcess.start(t, directory, {
    port: 0,
    dataDirectory: directory,
    databaseUrl: database.url,
    nats: { url: broker.addresses.nats },
    uaa: { url: uaa.url, clientId: 'controller', clientSecret: 'secret' },
    stagingAuth: { username: 'staging', password: 'staging-secret' },
    threads: { minimumRequestThreads: requestThreads },
    metrics: { port: 0 },
    encryptionKeys: { current: 'first', keys: { first: 'a key for tests' } },
  })
  t.after(async () => {
    await broker.stop()
    await database.giveBack()
    await rm(directory, { recursive: true, force: true })
  })
  const authorization = `bearer ${await uaa.token({ scope: globalScopes.admin })}`
  return { controller, authorization, uploads: join(directory, 'uploads') }
}

/** Sends an archive of two files, which are large enough to be kept for resource matching. Gives the archive's size in bytes. */
async function upload(url: string, authorization: string, mib: number): Promise<number> {
  const zip = new ZipFile()
  for (const [index, name] of ['one', 'two'].entries()) {
    const chunk = Buffer.alloc(mebibyte, name)
    zip.addReadStream(Readable.from(Array(Math.floor(mib / 2)).fill(chunk)), `${name}-${mib}-${index}`, {
      compress: name === 'two',
    })
  }
  zip.end()
  const headers = { authorization, 'content-type': 'multipart/form-data; boundary=limit' }
  const outgoing = request(url, { method: 'POST', headers })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  let sizeInBytes = 0
  await pipeline(async function* () {
    yield '--limit\r\nContent-Disposition: form-data; name="bits"; filename="app.zip"\r\n\r\n'
    for await (const chunk of zip.outputStream) {
      sizeInBytes += chunk.length
      yield chunk
    }
    yield '\r\n--limit--\r\n'
  }, outgoing)
  const [incoming] = await answered
  const answer = (await json(incoming)) as { state: string }
  assert.deepEqual([incoming.statusCode, answer.state], [200, 'READY'])
  return sizeInBytes
}

async function download(url: string, authorization: string): Promise<number> {
  const [incoming] = (await once(get(url, { headers: { authorization } }), 'response')) as [IncomingMessage]
  assert.equal(incoming.statusCode, 200)
  let sizeInBytes = 0
  for await (const chunk of incoming) sizeInBytes += chunk.length
  return sizeInBytes
}

import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, test } from 'node:test'
import { eventually, loggedErrors, startCloudFoundry } from '@vcap/testkit'
import { mirrored } from './mirror-answer.ts'
import { mirror, quickly } from './small-apps.ts'

const examples = resolve(import.meta.dirname, '../examples')
const cloud = await startCloudFoundry()
after(() => cloud.stop())
const space = await cloud.createSpace('push')

test('the Node.js example is pushed and answers through the router, with logs of all that happened and its statistics', async () => {
  const app = await space.pushFolder(`${examples}/nodejs`, { name: 'hello' })
  const page = await app.answers('/')
  assert.match(page.body, /<title>hello<\/title>/)
  assert.equal((await app.page('/log?line=a+line+of+mine')).status, 200)

  await app.logged(/^\[API\/0\] Creating build for app with guid /)
  await app.logged(/^\[STG\/0\] -----> Nodejs Buildpack version /)
  await app.logged(/^\[CELL\/0\] Container became healthy/)
  await app.logged(/^\[APP\/PROC\/WEB\/0\] a line of mine$/)
  await app.logged(/^\[RTR\/0\] hello\.apps\.localhost - \[.*\] "GET \/log\?line=a\+line\+of\+mine HTTP\/1\.1" 200 /)

  const [instance, ...others] = await app.runs()
  assert(instance)
  assert.deepEqual(others, [])
  assert.equal(instance.mem_quota, 128 * 1024 * 1024)
  const memory = await eventually('memory, CPU and disk to be measured', async () => {
    // So that it has something to do.
    await app.answers('/')
    const { mem, cpu, disk } = (await app.stats())[0]?.usage ?? {}
    return (cpu ?? 0) > 0 && (disk ?? 0) > 0 && (mem ?? 0) > 10 * 1024 * 1024 && (mem ?? undefined)
  })
  assert(memory < 128 * 1024 * 1024, `memory ${memory}`)
})

test('the static site example is pushed and serves its files, and another path answers 404', async () => {
  const app = await space.pushFolder(`${examples}/static-site`, { name: 'site' })
  const page = await app.answers('/')
  assert.match(page.headers['content-type'] ?? '', /^text\/html/)
  assert.match(page.body, /<title>/)
  assert.equal((await app.page('/no-such-file')).status, 404)
})

test('an app learns from headers who asked, by which way, and which instance the router chose', async () => {
  const app = await space.push({ name: 'mirror', ...quickly }, mirror)
  await app.answers('/')
  const { path, headers, instance, index } = mirrored(
    await app.page('/a/path?with=query', { headers: { 'x-forwarded-for': '203.0.113.9' } }),
  )
  assert.equal(path, '/a/path?with=query')
  assert.equal(headers.host, 'mirror.apps.localhost')
  assert.equal(headers['x-forwarded-for'], '203.0.113.9, 127.0.0.1')
  assert.equal(headers['x-forwarded-proto'], 'http')
  assert.match(headers['x-vcap-request-id'] ?? '', /^[\da-f-]{36}$/)
  assert.match(headers['x-request-start'] ?? '', /^\d{13}$/)
  assert.equal(headers['x-cf-applicationid'], app.guid)
  assert.equal(headers['x-cf-instanceid'], instance)
  assert.equal(headers['x-cf-instanceindex'], String(index))
})

test('a host that no app has is answered 404 by the router, which says so', async () => {
  const page = await cloud.page('nobody.apps.localhost', '/')
  assert.equal(page.status, 404)
  assert.equal(page.headers['x-cf-routererror'], 'unknown_route')
  assert.match(page.body, /Requested route \('nobody\.apps\.localhost'\) does not exist/)
})

test('a manifest with several processes runs each: web with its route, and a worker that is scaled by itself', async () => {
  const app = await space.push(
    {
      name: 'pair',
      buildpacks: ['binary_buildpack'],
      processes: [
        { type: 'web', memory: '128M', instances: 1 },
        { type: 'worker', memory: '64M', instances: 2, 'health-check-type': 'process' },
      ],
    },
    {
      ...mirror,
      Procfile: 'web: exec node app.js\nworker: sh worker.sh\n',
      'worker.sh': 'echo working; exec sleep 1000\n',
    },
  )
  await app.answers('/')
  const workers = await app.runs('worker')
  assert.deepEqual(
    workers.map(({ index, mem_quota }) => ({ index, mem_quota })),
    [0, 1].map((index) => ({ index, mem_quota: 64 * 1024 * 1024 })),
  )
  await app.logged(/^\[APP\/PROC\/WORKER\/1\] working$/)
  await app.scale({ instances: 1 }, 'worker')
  await app.hasInstances(({ length }) => length === 1, 'worker')
  assert.equal((await app.stats()).length, 1)
})

test('no component had an error to log meanwhile', () => {
  assert.deepEqual(loggedErrors(cloud.dataDirectory), [])
})

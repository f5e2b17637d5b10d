import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { faultOf, startTestReactor, type TestReactor, until } from './fixtures/start.ts'
import { ThreadStartFailed } from './index.ts'

async function threadIdOf(started: TestReactor, path: string): Promise<number> {
  const response = await fetch(started.url + path)
  assert.equal(response.status, 200)
  return ((await response.json()) as { threadId: number }).threadId
}

describe('the request threads', () => {
  it('are used last in, first out', async () => {
    await using started = await startTestReactor({ requestThreads: { minimum: 3, maximum: 3 } })
    await started.reactor.warm
    const used = new Set<number>()
    for (let i = 0; i < 12; i++) used.add(await threadIdOf(started, '/id'))
    assert.equal(used.size, 1)
  })

  it('do not become more because many short requests wait', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 4, growAfterWaitInMilliseconds: 60_000 },
    })
    const answers = await Promise.all(Array.from({ length: 60 }, () => threadIdOf(started, '/busy?ms=2')))
    assert.equal(new Set(answers).size, 1)
  })

  it('become more when a request has waited, up to the maximum, and fewer again when idle', async () => {
    await using started = await startTestReactor({
      requestThreads: {
        minimum: 1,
        maximum: 3,
        growAfterWaitInMilliseconds: 20,
        retireAfterIdleInSeconds: 0.2,
        perClientThreadShare: 1,
      },
    })
    const file = join(started.temporaryDirectory, 'go-on')
    const answers = Array.from({ length: 12 }, () => threadIdOf(started, `/wait-for?file=${file}`))
    await until(() => started.reactor.threads().request.busy === 3, 'three threads are busy')
    assert.equal(started.reactor.threads().request.queued, 9)
    await writeFile(file, '')
    assert.equal(new Set(await Promise.all(answers)).size, 3)
    await until(() => started.reactor.threads().request.idle === 1, 'back to the minimum')
    await until(() => started.reactor.threads().request.ending === 0, 'the retired ones are gone')
    assert.ok(started.notes.includes('ended'), 'onEnd was called')
  })

  it('get one more as soon as all are stuck, before anybody waits', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 4, growAfterWaitInMilliseconds: 20 },
    })
    const stuck = fetch(`${started.url}/gate`)
    await until(() => started.reactor.threads().request.blocked === 1, 'the thread is stuck')
    await until(() => started.reactor.threads().request.idle === 1, 'a spare thread')
    assert.equal(started.reactor.threads().request.blocked, 1)
    started.gate.resolve()
    await stuck
  })

  it('get a spare while there is traffic, so that one may be stuck and nobody waits for a thread to start', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 8, spares: 1, growAfterWaitInMilliseconds: 60_000 },
    })
    const first = await threadIdOf(started, '/id')
    assert.equal(started.reactor.threads().request.idle, 1)
    const used = new Set<number>()
    await until(async () => {
      for (const id of await Promise.all(Array.from({ length: 200 }, () => threadIdOf(started, '/id')))) used.add(id)
      return started.reactor.threads().request.idle === 2 && used.size === 2
    }, 'a spare beside the first thread, with some of the work')
    assert.ok(used.has(first))
  })

  it('end alone when a request exhausts the heap', async () => {
    await using started = await startTestReactor({
      requestThreads: {
        minimum: 2,
        maximum: 2,
        perClientThreadShare: 1,
        resourceLimits: { maxOldGenerationSizeMb: 24 },
      },
    })
    await started.reactor.warm
    const [heap, ...others] = await Promise.all([
      fetch(`${started.url}/heap`),
      ...Array.from({ length: 10 }, () => fetch(`${started.url}/add`)),
    ])
    assert.equal(heap.status, 500)
    assert.equal(await faultOf(heap), 'out-of-memory')
    assert.deepEqual(
      others.map((each) => each.status),
      Array(10).fill(200),
    )
    await until(() => started.reactor.threads().request.idle === 2, 'the thread is replaced')
  })

  for (const path of ['/exit', '/uncaught']) {
    it(`end alone by ${path}, and the request is answered`, async () => {
      await using started = await startTestReactor()
      const response = await fetch(started.url + path)
      assert.equal(response.status, 500)
      assert.equal(await faultOf(response), 'crashed')
      assert.equal((await fetch(`${started.url}/add`)).status, 200)
      const line = started.logs.find((each) => each.msg === 'a thread ended by itself')
      assert.equal(line?.path, path)
      assert.equal(typeof line.requestId, 'string')
    })
  }

  it('survive a handler that throws', async () => {
    await using started = await startTestReactor()
    const before = await threadIdOf(started, '/id')
    const response = await fetch(`${started.url}/throw`)
    assert.equal(await faultOf(response), 'failed')
    assert.equal(await threadIdOf(started, '/id'), before)
    const line = started.logs.find((each) => each.msg === 'a request handler threw')
    assert.match(JSON.stringify(line), /RangeError: the handler threw/)
  })
})

describe('a thread module that can not start', () => {
  it('makes startReactor throw after some attempts, with the cause', async () => {
    const module = new URL('./does-not-exist.ts', import.meta.url)
    await assert.rejects(startTestReactor({ requestThreads: { module, startAttempts: 2 } }), (error) => {
      assert.ok(error instanceof ThreadStartFailed)
      assert.match(String(error.cause), /does-not-exist/)
      return true
    })
  })

  it('that ends without serving anything is told apart from one that hangs', async () => {
    const nothing = new URL('./fixtures/operations.ts', import.meta.url)
    await assert.rejects(startTestReactor({ requestThreads: { module: nothing, startAttempts: 1 } }), ThreadStartFailed)
    const hanging = new URL('data:text/javascript,setInterval(()=>{},1000)')
    await assert.rejects(
      startTestReactor({ requestThreads: { module: hanging, startAttempts: 1, startTimeoutInSeconds: 0.2 } }),
      (error) => error instanceof ThreadStartFailed && /not started after 200 ms/.test(String(error.cause)),
    )
  })

  it('any more is not tried for ever: requests get 503, and one more attempt comes later', async (t) => {
    await using started = await startTestReactor({ requestThreads: { minimum: 1, startAttempts: 2 } })
    const directory = started.temporaryDirectory
    const module = join(directory, 'thread.mjs')
    const serving = `import { serveRequests } from ${JSON.stringify(new URL('./thread.ts', import.meta.url).href)}
      serveRequests((r) => r.url.endsWith('exit') ? process.exit(1) : new Response('ok'))`
    await writeFile(module, serving)
    await using other = await startTestReactor({
      requestThreads: {
        module: pathToFileURL(module),
        minimum: 1,
        maximum: 1,
        startAttempts: 2,
        retryStartAfterInSeconds: 1800,
      },
    })
    await writeFile(module, 'throw new Error("broken now")')
    assert.equal((await fetch(`${other.url}/exit`)).status, 500)
    await until(() => other.logs.some((each) => /giving up/.test(String(each.msg))), 'the pool gives up')
    assert.equal(await faultOf(await fetch(`${other.url}/`)), 'no-threads')
    const attempts = (): number => other.logs.filter((each) => each.wasStarting === true).length
    assert.equal(attempts(), 2)
    await writeFile(module, serving)
    const now = performance.now.bind(performance)
    t.mock.method(performance, 'now', () => now() + 3_600_000)
    await until(async () => (await fetch(`${other.url}/`)).status === 200, 'a later request brings the pool back')
  })
})

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startTestReactor, type TestReactor, until } from './fixtures/start.ts'
import { QueueFull, ThreadEnded, ThreadStartFailed } from './index.ts'

async function threadIdOf(started: TestReactor, path: string): Promise<number> {
  const response = await fetch(started.url + path)
  assert.equal(response.status, 200)
  return ((await response.json()) as { threadId: number }).threadId
}

async function faultOf(response: Response): Promise<string> {
  return ((await response.json()) as { fault: string }).fault
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
      requestThreads: { minimum: 1, maximum: 4, growAfterWaitInMilliseconds: 2000 },
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
    const answers = await Promise.all(Array.from({ length: 12 }, () => threadIdOf(started, '/block?ms=120')))
    assert.equal(new Set(answers).size, 3)
    await until(() => started.reactor.threads().request.idle === 1, 'back to the minimum')
    await until(() => started.reactor.threads().request.ending === 0, 'the retired ones are gone')
    assert.ok(started.notes.includes('ended'), 'onEnd was called')
  })

  it('get one more as soon as all are stuck, before anybody waits', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 4, growAfterWaitInMilliseconds: 20 },
    })
    const stuck = fetch(`${started.url}/block?ms=600`)
    await until(() => started.reactor.threads().request.busy === 1, 'the thread is stuck')
    await until(() => started.reactor.threads().request.idle === 1, 'a spare thread')
    assert.equal(started.reactor.threads().request.busy, 1)
    await stuck
  })

  it('end alone when a request exhausts the heap', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 2, resourceLimits: { maxOldGenerationSizeMb: 24 } },
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

describe('a deadline', () => {
  for (const [path, stack] of [
    ['/spin', /at spinForEver \(file:.*request-thread\.ts:\d+:\d+\)/],
    ['/never', /no JavaScript was running/],
    ['/block?ms=60000', /request-thread\.ts/],
    ['/gate', /blocked in scheduleSync\('waitForGate'\)/],
  ] as const) {
    it(`ends ${path}, answers 504, logs request and stack, and replaces the thread`, async () => {
      await using started = await startTestReactor({ requestThreads: { minimum: 1, maximum: 1 } })
      const url = `${started.url}${path}${path.includes('?') ? '&' : '?'}deadline=0.15`
      const response = await fetch(url, { method: 'POST', body: 'x'.repeat(2_000_000) })
      assert.equal(response.status, 504)
      assert.equal(await faultOf(response), 'deadline')
      const line = started.logs.find((each) => each.msg === 'a task overran its deadline; its thread is ended')
      assert.equal(line?.method, 'POST')
      assert.equal(line.path, url.slice(started.url.length))
      assert.equal(typeof line.requestId, 'string')
      assert.match(String(line.stack), stack)
      await until(async () => (await started.temporaryFiles()).length === 0, 'its temporary file is deleted')
      assert.equal((await fetch(`${started.url}/add`)).status, 200)
      await until(() => started.reactor.threads().request.ending === 0, 'the thread is gone')
    })
  }

  it('of many hanging requests at once leaves the others answered and the threads as they were', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 2, maximum: 6, retireAfterIdleInSeconds: 0.3 },
    })
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => fetch(`${started.url}${i % 20 === 0 ? '/never?deadline=0.2' : '/hello'}`)),
    )
    assert.deepEqual(
      answers.map((each) => each.status),
      Array.from({ length: 200 }, (_, i) => (i % 20 === 0 ? 504 : 200)),
    )
    await until(() => {
      const { idle, busy, starting, ending } = started.reactor.threads().request
      return idle === 2 && busy + starting + ending === 0
    }, 'two idle threads')
  })
})

describe('overload', () => {
  it('beyond the queue is answered 503 with Retry-After at once', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { queueLimit: 4, perClientQueueShare: 1, retryAfterInSeconds: 7 },
    })
    const slow = fetch(`${started.url}/block?ms=400`)
    await until(() => started.reactor.threads().request.busy === 1, 'the thread is busy')
    const begin = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const response = await fetch(`${started.url}/hello`)
        return [response.status, response.headers.get('retry-after'), performance.now() - begin] as const
      }),
    )
    const refused = answers.filter(([status]) => status === 503)
    assert.equal(refused.length, 6)
    for (const [, retryAfter, after] of refused) {
      assert.equal(retryAfter, '7')
      assert.ok(after < 300, `refused after ${after} ms`)
    }
    assert.equal((await slow).status, 200)
  })

  it('refuses a long body before it is sent', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { queueLimit: 1, perClientQueueShare: 1 },
    })
    const slow = [fetch(`${started.url}/block?ms=300`), fetch(`${started.url}/block?ms=1`)]
    await until(() => started.reactor.threads().request.queued === 1, 'the queue is full')
    const response = await fetch(`${started.url}/echo`, { method: 'POST', body: 'x'.repeat(50_000_000) })
    assert.equal(response.status, 503)
    assert.deepEqual(await started.temporaryFiles(), [])
    await Promise.all(slow)
  })

  it('by one client delays that client and not the others', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { queueLimit: 40, perClientQueueShare: 0.5 },
    })
    const order: string[] = []
    const ask = async (client: string, path: string): Promise<number> => {
      const response = await fetch(started.url + path, { headers: { authorization: client } })
      await response.text()
      if (response.status === 200) order.push(client)
      return response.status
    }
    const noisy = [ask('noisy', '/block?ms=400')]
    await until(() => started.reactor.threads().request.busy === 1, 'the thread is busy')
    for (let i = 0; i < 30; i++) noisy.push(ask('noisy', '/busy?ms=2'))
    await until(() => started.reactor.threads().request.queued === 20, "the noisy client's share of the queue is full")
    assert.equal(await ask('quiet', '/busy?ms=2'), 200)
    const statuses = await Promise.all(noisy)
    assert.equal(statuses.filter((status) => status === 503).length, 10)
    // After the one that ran and at most one more; a little slack for the order in which answers are read.
    assert.ok(order.indexOf('quiet') <= 5, order.join())
  })

  it("leaves threads to others when one client's requests all hang", async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 4, maximum: 4, perClientThreadShare: 0.75 },
    })
    await started.reactor.warm
    const hanging = Array.from({ length: 8 }, () =>
      fetch(`${started.url}/never?deadline=1`, { headers: { authorization: 'noisy' } }),
    )
    await until(() => started.reactor.threads().request.busy === 3, 'the share of the noisy client is used up')
    const begin = performance.now()
    assert.equal((await fetch(`${started.url}/hello`)).status, 200)
    assert.ok(performance.now() - begin < 500)
    assert.equal(started.reactor.threads().request.queued, 5)
    await started.reactor.stop({ limitInSeconds: 0 })
    await Promise.allSettled(hanging)
  })

  it('ends the wait of a request that waited too long', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1, queueTimeoutInSeconds: 0.1 },
    })
    const slow = fetch(`${started.url}/block?ms=500`)
    await until(() => started.reactor.threads().request.busy === 1, 'the thread is busy')
    const response = await fetch(`${started.url}/hello`)
    assert.equal(await faultOf(response), 'overloaded')
    assert.equal((await slow).status, 200)
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

  it('any more is not tried for ever: requests get 503, and one more attempt comes later', async () => {
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
        retryStartAfterInSeconds: 0.5,
      },
    })
    await writeFile(module, 'throw new Error("broken now")')
    assert.equal((await fetch(`${other.url}/exit`)).status, 500)
    await until(() => other.logs.some((each) => /giving up/.test(String(each.msg))), 'the pool gives up')
    const begin = performance.now()
    assert.equal(await faultOf(await fetch(`${other.url}/`)), 'no-threads')
    assert.ok(performance.now() - begin < 300)
    const attempts = (): number => other.logs.filter((each) => each.wasStarting === true).length
    assert.equal(attempts(), 2)
    await writeFile(module, serving)
    await until(async () => (await fetch(`${other.url}/`)).status === 200, 'a later request brings the pool back')
  })
})

describe('a job', () => {
  it('gets its argument and request id, and gives a value', async () => {
    await using started = await startTestReactor()
    const result = await started.reactor.runJob('echo', { a: [1] }, { requestId: 'r-1' })
    assert.deepEqual(result, { argument: { a: [1] }, requestId: 'r-1', task: { requestId: 'r-1', what: 'echo' } })
  })

  it('rejects with what it threw, as its class', async () => {
    await using started = await startTestReactor()
    await assert.rejects(started.reactor.runJob('fail', null), { name: 'OutOfCheese', message: 'job', code: 12 })
    await assert.rejects(started.reactor.runJob('function', null), { name: 'ResultNotCloneable' })
    assert.throws(() => started.reactor.runJob('echo', () => 1), { name: 'ArgumentNotCloneable' })
  })

  it('that overruns its deadline or ends its thread rejects with ThreadEnded', async () => {
    await using started = await startTestReactor()
    const endedBy = (reason: string) => (error: unknown) => error instanceof ThreadEnded && error.reason === reason
    await assert.rejects(started.reactor.runJob('spin', null, { deadlineInSeconds: 0.1 }), endedBy('deadline'))
    await assert.rejects(started.reactor.runJob('exit', null), endedBy('crashed'))
    assert.equal(await started.reactor.runJob('add', null), 42)
  })

  it('beyond the queue is refused with QueueFull', async () => {
    await using started = await startTestReactor({ jobThreads: { maximum: 1, queueLimit: 1 } })
    const running = started.reactor.runJob('spin', null, { deadlineInSeconds: 0.3 })
    await until(() => started.reactor.threads().job?.busy === 1, 'the job runs')
    const waiting = started.reactor.runJob('add', null)
    await assert.rejects(started.reactor.runJob('add', null), QueueFull)
    await assert.rejects(running, ThreadEnded)
    assert.equal(await waiting, 42)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultOf, startTestReactor, until } from './fixtures/start.ts'

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

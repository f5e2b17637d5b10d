import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultOf, startTestReactor, until } from './fixtures/start.ts'

describe('overload', () => {
  it('beyond the queue is answered 503 with Retry-After at once', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { queueLimit: 4, perClientQueueShare: 1, retryAfterInSeconds: 7 },
    })
    const held = fetch(`${started.url}/gate`)
    await until(() => started.reactor.threads().request.blocked === 1, 'the thread is busy')
    const refused: (string | null)[] = []
    const answers = Array.from({ length: 10 }, async () => {
      const response = await fetch(`${started.url}/hello`)
      if (response.status === 503) refused.push(response.headers.get('retry-after'))
      return response.status
    })
    // At once: nothing else moves before the gate opens.
    await until(() => refused.length === 6, 'six are refused')
    assert.deepEqual(refused, Array(6).fill('7'))
    assert.equal(started.reactor.threads().request.queued, 4)
    started.gate.resolve()
    assert.equal((await Promise.all(answers)).filter((status) => status === 200).length, 4)
    assert.equal((await held).status, 200)
  })

  it('refuses a long body before it is sent', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { queueLimit: 1, perClientQueueShare: 1 },
    })
    const held = [fetch(`${started.url}/gate`), fetch(`${started.url}/gate`)]
    await until(() => started.reactor.threads().request.queued === 1, 'the queue is full')
    const response = await fetch(`${started.url}/echo`, { method: 'POST', body: 'x'.repeat(50_000_000) })
    assert.equal(response.status, 503)
    assert.deepEqual(await started.temporaryFiles(), [])
    started.gate.resolve()
    await Promise.all(held)
  })

  it('by one client delays that client and not the others', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { queueLimit: 40, perClientQueueShare: 0.5 },
    })
    let refused = 0
    const ask = async (client: string, path: string): Promise<number> => {
      const response = await fetch(started.url + path, { headers: { authorization: client } })
      await response.text()
      if (response.status !== 200) refused++
      return response.status
    }
    const noisy = [ask('noisy', '/gate')]
    await until(() => started.reactor.threads().request.blocked === 1, 'the thread is busy')
    for (let i = 0; i < 30; i++) noisy.push(ask('noisy', '/busy?ms=2'))
    await until(() => refused === 10, 'what goes beyond its share of the queue is refused')
    assert.equal(started.reactor.threads().request.queued, 20)
    const quiet = ask('quiet', '/busy?ms=2')
    await until(() => started.reactor.threads().request.queued === 21, 'the quiet client waits behind 20 of the other')
    started.gate.resolve()
    assert.equal(await quiet, 200)
    await Promise.all(noisy)
    assert.equal(refused, 10)
    // In the order in which the thread served them: it was the turn of the one or of the other.
    const order = started.notes.filter((note) => note !== 'waiting')
    assert.equal(order.length, 21)
    assert.ok(order.indexOf('quiet') <= 1, order.join())
  })

  it("leaves threads to others when one client's requests all hang", async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 4, maximum: 4, perClientThreadShare: 0.75 },
    })
    await started.reactor.warm
    const hanging = Array.from({ length: 8 }, () =>
      fetch(`${started.url}/never?deadline=60`, { headers: { authorization: 'noisy' } }),
    )
    await until(() => started.reactor.threads().request.busy === 3, 'the share of the noisy client is used up')
    assert.equal((await fetch(`${started.url}/hello`)).status, 200)
    assert.equal(started.reactor.threads().request.queued, 5)
    await started.reactor.stop({ limitInSeconds: 0 })
    await Promise.allSettled(hanging)
  })

  it('ends the wait of a request that waited too long', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1, queueTimeoutInSeconds: 0.1 },
    })
    const held = fetch(`${started.url}/gate`)
    await until(() => started.reactor.threads().request.blocked === 1, 'the thread is busy')
    const response = await fetch(`${started.url}/hello`)
    assert.equal(await faultOf(response), 'overloaded')
    started.gate.resolve()
    assert.equal((await held).status, 200)
  })
})

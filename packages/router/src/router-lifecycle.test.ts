import assert from 'node:assert/strict'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { unusedPort } from '@vcap/nats-broker/testing/unused-port'
import { RouterGreeting, routerSubjects } from '@vcap/protocol'
import { pino } from 'pino'
import type { z } from 'zod'
import type { RouterConfig } from './config.ts'
import { startRouter } from './router.ts'
import { startBackend } from './testing/backend.ts'
import { openBusClient } from './testing/bus-client.ts'
import { startRelay } from './testing/relay.ts'
import { ask, eventually, open } from './testing/router-client.ts'

const logger = pino({ level: 'silent' })
const timing = { pruneThresholdInSeconds: 120, pruneIntervalInSeconds: 0.02, emptyPoolTimeoutInSeconds: 0 }

/** A clock that a test may move on. */
function heldClock(t: TestContext): { advanceInSeconds(seconds: number): void } {
  const realNow = performance.now.bind(performance)
  let passedInSeconds = 0
  t.mock.method(performance, 'now', () => realNow() + passedInSeconds * 1000)
  return {
    advanceInSeconds: (seconds) => {
      passedInSeconds += seconds
    },
  }
}

describe('a router from start to stop', () => {
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  const startBroker = async (port = 0) => {
    const broker = await startNatsBroker({ port }, { logger })
    stops.push(() => broker.stop())
    return broker
  }

  const start = async (natsUrl: string, config: Partial<z.input<typeof RouterConfig>> = {}, log = logger) => {
    const defaults = { port: 0, nats: { url: natsUrl }, startDelayInMilliseconds: 0 }
    const router = await startRouter({ ...defaults, ...config }, { logger: log })
    stops.push(() => router.stop())
    return { ...router, url: router.addresses.http ?? '' }
  }

  const joinBus = async (natsUrl: string) => {
    const bus = await openBusClient(natsUrl)
    stops.push(() => bus.stop())
    return bus
  }

  const backend = async (...args: Parameters<typeof startBackend>) => {
    const started = await startBackend(...args)
    stops.push(() => started.stop())
    return started
  }

  it('announces itself at start and answers router.greet with the same words', async () => {
    const broker = await startBroker()
    const bus = await joinBus(broker.addresses.nats)
    const hellos: unknown[] = []
    bus.connection.subscribe(routerSubjects.start, { callback: (_, msg) => void hellos.push(msg.json()) })
    await bus.connection.flush()
    await start(broker.addresses.nats, { index: 4, minimumRegisterIntervalInSeconds: 7, pruneThresholdInSeconds: 33 })
    const [hello] = await eventually(
      () => hellos,
      (seen) => seen.length === 1,
    )
    const greeting = RouterGreeting.parse(hello)
    assert.match(greeting.id, /^4-[\da-f-]{36}$/)
    assert.deepEqual(
      { ...greeting, id: '' },
      { id: '', hosts: ['127.0.0.1'], minimumRegisterIntervalInSeconds: 7, pruneThresholdInSeconds: 33 },
    )
    assert.deepEqual((await bus.connection.request(routerSubjects.greet, '', { timeout: 60_000 })).json(), hello)
  })

  it('forgets endpoints that fall silent', async (t) => {
    const clock = heldClock(t)
    const broker = await startBroker()
    const router = await start(broker.addresses.nats, timing)
    const bus = await joinBus(broker.addresses.nats)
    const one = await backend()
    await bus.register({ ...one, uris: ['silent.example.com'] })
    assert.equal((await ask(router.url, 'silent.example.com')).status, 200)
    clock.advanceInSeconds(2 * timing.pruneThresholdInSeconds)
    const { status } = await eventually(
      () => ask(router.url, 'silent.example.com'),
      (answer) => answer.status !== 200,
    )
    assert.equal(status, 404)
  })

  it('keeps its routes while NATS is away, and says hello when it is back', async (t) => {
    const clock = heldClock(t)
    const broker = await startBroker()
    // The others on the bus stay there, so that they hear the hello, however soon it comes.
    const relay = await startRelay(broker.addresses.nats)
    stops.push(() => relay.stop())
    let looks = 0
    const noted = pino({}, { write: (line: string) => void (line.includes('no pruning without NATS') && looks++) })
    const router = await start(relay.url, timing, noted)
    const bus = await joinBus(broker.addresses.nats)
    const one = await backend()
    await bus.register({ ...one, uris: ['kept.example.com'] })
    const hellos: unknown[] = []
    bus.connection.subscribe(routerSubjects.start, { callback: (_, msg) => void hellos.push(msg.json()) })
    await bus.connection.flush()
    relay.cut()
    await eventually(
      () => looks,
      (count) => count > 0,
    )
    clock.advanceInSeconds(300)
    const before = looks
    await eventually(
      () => looks,
      (count) => count > before,
    )
    assert.equal((await ask(router.url, 'kept.example.com')).status, 200, 'twice the threshold has passed')

    assert.equal(hellos.length, 0)
    relay.restore()
    await eventually(
      () => hellos.length,
      (count) => count > 0,
    )
    assert.equal((await ask(router.url, 'kept.example.com')).status, 200, 'endpoints get time to register again')
    clock.advanceInSeconds(300)
    await eventually(
      () => ask(router.url, 'kept.example.com'),
      (answer) => answer.status === 404,
    )
  })

  it('finishes what is in flight when it stops, and takes nothing new', async () => {
    const broker = await startBroker()
    const router = await start(broker.addresses.nats, { drainTimeoutInSeconds: 600 })
    const bus = await joinBus(broker.addresses.nats)
    const finish = Promise.withResolvers<void>()
    const one = await backend((_, res) => {
      res.write('begun ')
      void finish.promise.then(() => res.end('and done'))
    })
    await bus.register({ ...one, uris: ['slow.example.com'], app: 'slow-app' })
    const { response } = await open(router.url, 'slow.example.com')
    const stopping = router.stop()
    await assert.rejects(ask(router.url, 'slow.example.com'), { code: 'ECONNREFUSED' })
    finish.resolve()
    let body = ''
    for await (const chunk of response) body += String(chunk)
    assert.equal(body, 'begun and done')
    await stopping
    await eventually(
      () => bus.logs.length,
      (count) => count === 1,
    )
  })

  it('does not wait longer than it was told', async () => {
    const broker = await startBroker()
    const router = await start(broker.addresses.nats, { drainTimeoutInSeconds: 0.1 })
    const bus = await joinBus(broker.addresses.nats)
    const one = await backend(() => {})
    await bus.register({ ...one, uris: ['hangs.example.com'] })
    const hanging = assert.rejects(ask(router.url, 'hangs.example.com'), { code: 'ECONNRESET' })
    await eventually(
      () => one.requests.length,
      (count) => count === 1,
    )
    // Ends, although the app never answers.
    await router.stop()
    await hanging
  })

  it('waits for NATS, and answers 503 until it is there', async () => {
    const [port, natsPort] = [await unusedPort(), await unusedPort()]
    const nats = { url: `nats://127.0.0.1:${natsPort}` }
    const starting = startRouter({ port, nats, startDelayInMilliseconds: 0 }, { logger })
    const url = `http://127.0.0.1:${port}`
    const early = await eventually(
      () => ask(url, 'early.example.com').catch(() => undefined),
      (answer) => answer !== undefined,
    )
    assert.equal(early?.status, 503)
    const probed = await ask(url, 'early.example.com', { headers: { 'User-Agent': 'HTTP-Monitor/1.1' } })
    assert.equal(probed.status, 503)
    await startBroker(natsPort)
    const router = await starting
    stops.push(() => router.stop())
    assert.equal((await ask(url, 'early.example.com')).status, 404)
  })

  it('says at once when its port is taken', async () => {
    const broker = await startBroker()
    const { port } = await backend()
    await assert.rejects(start(broker.addresses.nats, { port }), { code: 'EADDRINUSE' })
  })

  it('shows its routes and counts to the operator only', async () => {
    const broker = await startBroker()
    const admin = { port: 0, user: 'operator', password: 'secret' }
    const router = await start(broker.addresses.nats, { admin })
    const bus = await joinBus(broker.addresses.nats)
    const one = await backend()
    const fields = { app: 'some-app', private_instance_id: 'i-1', tags: { component: 'dea-0' } }
    await bus.register({ host: one.host, port: one.port, uris: ['seen.example.com/x'], ...fields })
    await ask(router.url, 'seen.example.com/x')
    await ask(router.url, 'unseen.example.com')
    const adminUrl = router.addresses.admin ?? ''
    const get = (path: string, credentials = '') =>
      fetch(`${adminUrl}${path}`, {
        headers: {
          Connection: 'close',
          ...(credentials && { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
        },
      })
    for (const path of ['/routes', '/varz']) {
      assert.equal((await get(path)).status, 401)
      assert.equal((await get(path, 'operator:wrong')).status, 401)
    }
    assert.deepEqual(await (await get('/routes', 'operator:secret')).json(), {
      'seen.example.com/x': [
        {
          address: `127.0.0.1:${one.port}`,
          protocol: 'http1',
          tls: false,
          ttl: 120,
          tags: { component: 'dea-0' },
          private_instance_id: 'i-1',
        },
      ],
    })
    // A request is counted when its last bytes have left, and that may be after they have come.
    const varz = await eventually(
      async () => (await (await get('/varz', 'operator:secret')).json()) as Record<string, unknown>,
      ({ requests: counted }) => counted === 2,
    )
    const { type, requests, responses_2xx, responses_4xx, bad_requests, urls, droplets } = varz
    assert.deepEqual(
      { type, requests, responses_2xx, responses_4xx, bad_requests, urls, droplets },
      { type: 'Router', requests: 2, responses_2xx: 1, responses_4xx: 1, bad_requests: 1, urls: 1, droplets: 1 },
    )
    assert.equal(await (await get('/health')).text(), 'ok\n')
  })
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { connect, Server as NetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import type { TestOperations } from './fixtures/operations.ts'
import { startTestReactor, type TestReactor, until } from './fixtures/start.ts'
import { ThreadEnded, WouldBlockReactor } from './index.ts'
import { reactorOperations } from './schedule-sync.ts'

describe('scheduleSync on the reactor thread', () => {
  it('runs at once, and throws what the operation throws', async () => {
    await using started = await startTestReactor()
    for (const { scheduleSync } of [reactorOperations<TestOperations>(), started.reactor.operations]) {
      assert.equal(scheduleSync('add', 1, 2), 3)
      assert.throws(() => scheduleSync('fail', 'oh'), { name: 'OutOfCheese', message: 'oh' })
    }
  })

  it('throws instead of waiting for a promise, and the promise takes nothing down', async () => {
    await using started = await startTestReactor()
    const { scheduleSync } = started.reactor.operations
    assert.throws(() => scheduleSync('later', 'x', 1), WouldBlockReactor)
    assert.throws(() => scheduleSync('failLater', 'x'), WouldBlockReactor)
    await until(() => started.logs.some((line) => line.msg === 'a scheduled operation failed'), 'the failure is logged')
  })

  it('schedule runs at once and logs a failure', async () => {
    await using started = await startTestReactor()
    started.reactor.operations.schedule('note', 'here')
    started.reactor.operations.schedule('fail', 'oh')
    assert.deepEqual(started.notes, ['here'])
    assert.equal(started.logs.filter((line) => line.msg === 'a scheduled operation failed').length, 1)
  })

  it('says so when no reactor runs there', () => {
    assert.throws(() => reactorOperations<TestOperations>().scheduleSync('add', 1, 2), /no reactor runs on this thread/)
  })
})

describe('the listener', () => {
  it('opens only when a thread is warm', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'reactor-warm-'))
    t.after(() => rm(directory, { recursive: true }))
    const [begun, goOn] = [join(directory, 'begun'), join(directory, 'go-on')]
    const code = `import { existsSync, writeFileSync } from 'node:fs'
      import { serveRequests } from ${JSON.stringify(new URL('./thread.ts', import.meta.url).href)}
      writeFileSync(${JSON.stringify(begun)}, '')
      while (!existsSync(${JSON.stringify(goOn)})) await new Promise((resolve) => setTimeout(resolve, 5))
      serveRequests(() => new Response('warm'))`
    const module = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
    const listen = t.mock.method(NetServer.prototype, 'listen')
    const starting = startTestReactor({ requestThreads: { module } })
    await until(() => existsSync(begun), 'the thread warms up')
    assert.equal(listen.mock.callCount(), 0)
    await writeFile(goOn, '')
    await using started = await starting
    assert.equal(listen.mock.callCount(), 1)
    assert.equal(await (await fetch(started.url)).text(), 'warm')
  })

  it('that can not open makes startReactor throw, and nothing is left running', async () => {
    await using started = await startTestReactor()
    await assert.rejects(startTestReactor({ http: { port: started.reactor.port } }), { code: 'EADDRINUSE' })
  })
})

describe('stop', () => {
  it('lets running requests and jobs end, then refuses connections', async () => {
    const started = await startTestReactor()
    const slow = fetch(`${started.url}/gate`)
    const job = started.reactor.runJob('add', null)
    await until(() => started.reactor.threads().request.blocked === 1, 'the request runs')
    const stopped = started.reactor.stop()
    started.gate.resolve()
    await stopped
    const response = await slow
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('connection'), 'close')
    assert.equal(await job, 42)
    await assert.rejects(fetch(started.url))
    const { idle, busy, starting, ending } = started.reactor.threads().request
    assert.equal(idle + busy + starting + ending, 0)
    assert.ok(started.notes.includes('ended'), 'onEnd was called in the thread')
    await started[Symbol.asyncDispose]()
  })

  it('serves a request whose body is still arriving', async () => {
    const started = await startTestReactor()
    const answer = Promise.withResolvers<IncomingMessage>()
    const slow = httpRequest(
      `${started.url}/echo`,
      { method: 'POST', headers: { 'content-length': 9 } },
      answer.resolve,
    )
    slow.on('error', answer.reject)
    slow.write('half')
    // An answered request on a later connection: what the first one sent is here too.
    await new Promise((resolve) => slow.once('socket', (socket) => socket.once('connect', resolve)))
    assert.equal((await fetch(`${started.url}/hello`)).status, 200)
    const stopped = started.reactor.stop()
    await until(() => started.reactor.isStopping, 'it stops')
    setTimeout(() => slow.end(' more'), 100)
    assert.equal((await answer.promise).statusCode, 200)
    await stopped
    await started[Symbol.asyncDispose]()
  })

  it('ends what does not end within the limit, and says why', async () => {
    const started = await startTestReactor({ requestThreads: { minimum: 1, maximum: 1 } })
    const answers = ['/spin', '/hello'].map((path) => fetch(started.url + path))
    const job = started.reactor.runJob('spin', null)
    const jobEnd = assert.rejects(job, (error) => error instanceof ThreadEnded && error.reason === 'stopping')
    await until(() => started.reactor.threads().request.queued === 1, 'one runs and one waits')
    await until(() => started.reactor.threads().job?.busy === 1, 'the job runs')
    await started.reactor.stop({ limitInSeconds: 0.2 })
    for (const response of await Promise.all(answers)) {
      assert.equal(response.status, 503)
      assert.equal(((await response.json()) as { fault: string }).fault, 'stopping')
    }
    await jobEnd
    await started[Symbol.asyncDispose]()
  })

  it('may be called twice', async () => {
    const started = await startTestReactor()
    await Promise.all([started.reactor.stop(), started.reactor.stop()])
    await started[Symbol.asyncDispose]()
  })

  it('of one of two behind one address loses no request', async () => {
    const start = (): Promise<TestReactor> => startTestReactor({ requestThreads: { minimum: 2 } })
    const servers = [await start(), await start()]
    const balancer = new Balancer(() =>
      servers.filter((each) => !each.reactor.isStopping).map((each) => each.reactor.port),
    )
    const url = await balancer.start()
    let running = true
    const statuses: number[] = []
    const clients = Array.from({ length: 8 }, async () => {
      while (running) {
        const response = await fetch(`${url}/sleep?ms=3`)
        await response.text()
        statuses.push(response.status)
      }
    })
    for (const old of [...servers]) {
      const count = statuses.length
      await until(() => statuses.length > count + 40, 'requests are served')
      servers.push(await start())
      await old.reactor.stop({ drainInSeconds: 0.5 })
      servers.splice(servers.indexOf(old), 1)
      await old[Symbol.asyncDispose]()
    }
    const count = statuses.length
    await until(() => statuses.length > count + 40, 'requests are served by the new ones')
    running = false
    await Promise.all(clients)
    assert.deepEqual([...new Set(statuses)], [200])
    await balancer.stop()
    for (const each of servers) await each[Symbol.asyncDispose]()
  })
})

/** Sends each request to the next server that is healthy, over connections that are kept. */
class Balancer {
  #next = 0
  readonly #server: Server
  constructor(ports: () => number[]) {
    this.#server = createServer((request, response) => {
      const healthy = ports()
      const port = healthy[this.#next++ % healthy.length]
      const { method, url: path, headers } = request
      const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500)
        answer.pipe(response)
      })
      onward.on('error', () => response.writeHead(502).end())
      request.pipe(onward)
    })
  }
  start(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address()
        resolve(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
      })
    })
  }
  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

describe('the metrics', () => {
  it('count requests by route, waits, threads by state, ended threads, faults and the delay of the reactor', async () => {
    const metrics = new Registry()
    await using started = await startTestReactor({ metrics, requestThreads: { minimum: 2 } })
    await started.reactor.warm
    await (await fetch(`${started.url}/hello`)).text()
    await (await fetch(`${started.url}/file?path=${import.meta.filename}`)).text()
    await (await fetch(`${started.url}/never?deadline=0.05`)).text()
    const blocked = fetch(`${started.url}/gate`)
    await until(() => started.reactor.threads().request.blocked === 1, 'a thread is blocked')
    let text = ''
    await until(async () => {
      text = await metrics.metrics()
      return text.includes('reason="deadline"')
    }, 'the ended thread is counted')
    for (const line of [
      'reactor_request_duration_seconds_count{method="GET",route="other",status="200"} 1',
      'reactor_request_duration_seconds_count{method="GET",route="/file",status="200"} 1',
      'reactor_request_duration_seconds_count{method="GET",route="other",status="504"} 1',
      'reactor_faults_total{kind="deadline"} 1',
      'reactor_threads_ended_total{pool="request",reason="deadline"} 1',
      'reactor_queue_wait_seconds_count{pool="request"} 4',
      'reactor_threads{pool="request",state="blocked"} 1',
      'reactor_queue_length{pool="request"} 0',
    ])
      assert.ok(text.includes(line), `${line} is not in\n${text}`)
    assert.match(text, /reactor_event_loop_delay_seconds\{quantile="0\.99"\} [\d.e-]+\n/)
    started.gate.resolve()
    await blocked
  })
})

describe('a client that only connects', () => {
  it('does not keep the reactor from stopping', async () => {
    const started = await startTestReactor()
    const socket = connect(started.reactor.port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    // Hours before it would be ended by force.
    await started.reactor.stop({ limitInSeconds: 36_000 })
    socket.destroy()
    await started[Symbol.asyncDispose]()
  })
})

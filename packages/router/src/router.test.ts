import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { unusedPort } from '@vcap/nats-broker/testing/unused-port'
import type { RunningComponent } from '@vcap/protocol'
import { pino } from 'pino'
import { startRouter } from './router.ts'
import { type Backend, startBackend } from './testing/backend.ts'
import { type BusClient, openBusClient } from './testing/bus-client.ts'
import { ask, eventually, open } from './testing/router-client.ts'

const logger = pino({ level: 'silent' })
/** An address at which nobody listens, another one each time. */
const deadAddress = async () => ({ host: '127.0.0.1', port: await unusedPort() })
const app = '11111111-2222-3333-4444-555555555555'

describe('router', () => {
  let broker: Awaited<ReturnType<typeof startNatsBroker>>
  let router: RunningComponent
  let bus: BusClient
  let url: string
  const backends: Backend[] = []

  const backend = async (...args: Parameters<typeof startBackend>) => {
    const started = await startBackend(...args)
    backends.push(started)
    return started
  }

  before(async () => {
    broker = await startNatsBroker({ port: 0 }, { logger })
    const config = { port: 0, nats: { url: broker.addresses.nats }, startDelayInMilliseconds: 0 }
    router = await startRouter({ ...config, accessLogIntervalInMilliseconds: 5 }, { logger })
    url = router.addresses.http ?? ''
    bus = await openBusClient(broker.addresses.nats)
  })
  afterEach(async () => {
    await Promise.all(backends.splice(0).map((started) => started.stop()))
  })
  after(async () => {
    await bus.stop()
    await router.stop()
    await broker.stop()
  })

  describe('routes', () => {
    it('answers 404 with unknown_route for a host that nobody registered', async () => {
      const answer = await ask(url, 'nobody.example.com:8080')
      assert.equal(answer.status, 404)
      assert.equal(answer.headers['x-cf-routererror'], 'unknown_route')
      assert.equal(answer.headers['cache-control'], 'no-cache, no-store')
      assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
      assert.equal(answer.body, "404 Not Found: Requested route ('nobody.example.com:8080') does not exist.\n")
    })

    it('answers 400 where the Host header is the address of the client', async () => {
      const answer = await ask(url, '127.0.0.1:8080')
      assert.equal(answer.status, 400)
      assert.equal(answer.headers['x-cf-routererror'], 'empty_host')
      assert.equal(answer.body, '400 Bad Request: Request had empty Host header\n')
    })

    it('sends a request to the app of its host and path', async () => {
      const root = await backend((_, res) => res.end('root'))
      const cart = await backend((req, res) => res.end(`cart ${req.url}`))
      await bus.register({ ...at(root), uris: ['shop.example.com', '*.shops.example.com'] })
      await bus.register({ ...at(cart), uris: ['shop.example.com/cart'] })
      assert.equal((await ask(url, 'shop.example.com')).body, 'root')
      assert.equal((await ask(url, 'SHOP.example.com:8080/cart/1?a=b%20c')).body, 'cart /cart/1?a=b%20c')
      assert.equal((await ask(url, 'x.shops.example.com/any')).body, 'root')
    })

    it('takes a target in absolute form', async () => {
      const one = await backend((req, res) => res.end(`${req.headers.host} ${req.url}`))
      await bus.register({ ...at(one), uris: ['absolute.example.com'] })
      const answer = await ask(url, 'other.example.com', { path: 'http://absolute.example.com/x?y' })
      assert.equal(answer.body, 'absolute.example.com /x?y')
    })

    it('answers 503 with no_endpoints for a route that has just lost its last endpoint', async () => {
      const one = await backend()
      await bus.register({ ...at(one), uris: ['leaving.example.com'] })
      assert.equal((await ask(url, 'leaving.example.com')).status, 200)
      await bus.unregister({ ...at(one), uris: ['leaving.example.com'] })
      const answer = await ask(url, 'leaving.example.com')
      assert.equal(answer.status, 503)
      assert.equal(answer.headers['x-cf-routererror'], 'no_endpoints')
      assert.equal(
        answer.body,
        "503 Service Unavailable: Requested route ('leaving.example.com') has no available endpoints.\n",
      )
    })

    it('ignores a message that is no registration', async () => {
      bus.connection.publish('router.register', 'not json')
      bus.connection.publish('router.register', '{"host":"127.0.0.1","uris":["bad.example.com"]}')
      const insecure = { route_service_url: 'http://service.example.com' }
      await bus.register({ host: '127.0.0.1', port: 1, uris: ['bad.example.com'], ...insecure })
      assert.equal((await ask(url, 'bad.example.com')).status, 404)
    })

    for (const [host, port] of [
      ['127.0.0.1', 70_000],
      ['127.0.0.1', 0],
      ['not a host', 80],
      ['256.256.256.256', 80],
      ['example.com/path', 80],
      ['', 80],
    ] as const)
      it(`ignores an endpoint that nothing can connect to, ${host}:${port}, and goes on`, async () => {
        await bus.register({ host, port, uris: ['nowhere.example.com'] })
        assert.equal((await ask(url, 'nowhere.example.com')).status, 404)
      })

    it('refuses a route that has a route service rather than going round it', async () => {
      const one = await backend()
      const service = { route_service_url: 'https://service.example.com' }
      await bus.register({ ...at(one), uris: ['guarded.example.com'], ...service })
      const answer = await ask(url, 'guarded.example.com')
      assert.equal(answer.status, 502)
      assert.equal(answer.headers['x-cf-routererror'], 'route_service_unsupported')
      assert.equal(one.requests.length, 0)
    })

    it('chooses the instance that X-Cf-App-Instance names', async () => {
      const instances = await Promise.all(['0', '1'].map((index) => backend((_, res) => res.end(index))))
      for (const [index, instance] of instances.entries()) {
        const fields = { app, private_instance_index: String(index), tags: { process_id: app } }
        await bus.register({ ...at(instance), uris: ['surgical.example.com'], ...fields })
      }
      for (const index of ['1', '0', '1']) {
        const headers = { 'X-Cf-App-Instance': `${app}:${index}` }
        assert.equal((await ask(url, 'surgical.example.com', { headers })).body, index)
      }
      const byProcess = { 'X-Cf-Process-Instance': `${app}:1` }
      assert.equal((await ask(url, 'surgical.example.com', { headers: byProcess })).body, '1')
      assert.equal(instances[1]?.requests[0]?.headers['x-cf-app-instance'], undefined)

      const malformed = await ask(url, 'surgical.example.com', { headers: { 'X-Cf-App-Instance': 'me:0' } })
      assert.equal(malformed.status, 400)
      assert.equal(malformed.headers['x-cf-routererror'], 'invalid_cf_app_instance_header')
      assert.equal(malformed.body, '400 Bad Request: Invalid X-CF-App-Instance Header\n')

      const absent = await ask(url, 'surgical.example.com', { headers: { 'X-Cf-App-Instance': `${app}:7` } })
      assert.equal(absent.status, 400)
      assert.equal(absent.headers['x-cf-routererror'], 'unknown_route')
      assert.match(absent.body, /Requested instance \('7'\) with guid \('1111.*'\) does not exist for route/)
    })
  })

  describe('requests', () => {
    it('tells the app who the client is and which instance it is', async () => {
      const one = await backend()
      const fields = { app, private_instance_id: 'instance-1', private_instance_index: '3' }
      await bus.register({ ...at(one), uris: ['headers.example.com'], ...fields })
      await ask(url, 'headers.example.com:8080', {
        headers: {
          'X-Forwarded-For': '203.0.113.7',
          'X-CF-ApplicationID': 'forged',
          'X-CF-InstanceID': 'forged',
          'X-Vcap-Request-Id': 'forged',
          'X-Mixed-Case': 'stays',
          Connection: 'X-Hop, keep-alive',
          'X-Hop': 'goes',
          'Proxy-Authorization': 'goes',
          Cookie: ['a=1', 'b=2'],
        },
      })
      const [request] = one.requests
      assert.ok(request)
      const { headers } = request
      assert.equal(headers.host, 'headers.example.com:8080')
      assert.equal(headers['x-forwarded-for'], '203.0.113.7, 127.0.0.1')
      assert.equal(headers['x-forwarded-proto'], 'http')
      assert.equal(headers['x-cf-applicationid'], app)
      assert.equal(headers['x-cf-instanceid'], 'instance-1')
      assert.equal(headers['x-cf-instanceindex'], '3')
      assert.match(String(headers['x-vcap-request-id']), /^[\da-f]{8}-[\da-f-]{27}$/)
      const start = Number(headers['x-request-start'])
      assert.ok(Math.abs(Date.now() - start) < 3_600_000, `${start} is no time of now in milliseconds`)
      assert.equal(headers.cookie, 'a=1; b=2')
      assert.equal(headers['x-hop'], undefined)
      assert.equal(headers['proxy-authorization'], undefined)
      assert.ok(request.rawHeaders.includes('X-Mixed-Case'))
    })

    it('keeps X-Forwarded-Proto and X-Request-Start of the load balancer in front', async () => {
      const one = await backend()
      await bus.register({ ...at(one), uris: ['front.example.com'] })
      await ask(url, 'front.example.com', { headers: { 'X-Forwarded-Proto': 'https', 'X-Request-Start': '17' } })
      const headers = one.requests[0]?.headers
      assert.equal(headers?.['x-forwarded-proto'], 'https')
      assert.equal(headers?.['x-request-start'], '17')
      assert.equal(headers?.['x-cf-instanceid'], `127.0.0.1:${one.port}`)
      assert.equal(headers && 'x-cf-applicationid' in headers, false)
    })

    it('passes status, reason, headers and repeated cookies back, and the request id with them', async () => {
      const one = await backend((_, res) => {
        res.writeHead(418, 'Short and stout', [
          ...['X-Some', 'välue', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Keep-Alive', 'timeout=7'],
        ])
        res.end('tea')
      })
      await bus.register({ ...at(one), uris: ['answer.example.com'] })
      const { response } = await open(url, 'answer.example.com')
      assert.equal(response.statusCode, 418)
      assert.equal(response.statusMessage, 'Short and stout')
      assert.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2'])
      assert.equal(response.headers['x-some'], 'välue')
      assert.notEqual(response.headers['keep-alive'], 'timeout=7')
      assert.equal(response.headers['x-vcap-request-id'], one.requests[0]?.headers['x-vcap-request-id'])
      response.resume()
    })

    it('sends a body of known length and a chunked one', async () => {
      const one = await backend((req, res) => {
        const { 'content-length': length = '-', 'transfer-encoding': encoding = '-' } = req.headers
        res.write(`${req.method} ${length} ${encoding} `)
        req.pipe(res)
      })
      await bus.register({ ...at(one), uris: ['echo.example.com'] })
      const known = await ask(url, 'echo.example.com', {
        ...{ method: 'PUT', body: 'twelve bytes', headers: { 'Content-Length': '12' } },
      })
      assert.equal(known.body, 'PUT 12 - twelve bytes')
      const chunked = await ask(url, 'echo.example.com', {
        ...{ method: 'DELETE', body: 'some', headers: { 'Transfer-Encoding': 'chunked' } },
      })
      assert.equal(chunked.body, 'DELETE - chunked some')
      const empty = await ask(url, 'echo.example.com', { method: 'POST', headers: { 'Content-Length': '0' } })
      assert.equal(empty.body, 'POST 0 - ')
      const head = await ask(url, 'echo.example.com', { method: 'HEAD' })
      assert.equal(head.status, 200)
      assert.equal(head.body, '')
    })

    it('streams both ways at the same time', async () => {
      const one = await backend((req, res) => {
        res.flushHeaders()
        req.pipe(res)
      })
      await bus.register({ ...at(one), uris: ['stream.example.com'] })
      const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
      let received = ''
      socket.on('data', (chunk) => {
        received += String(chunk)
      })
      socket.write('POST / HTTP/1.1\r\nHost: stream.example.com\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (const word of ['one', 'two', 'three']) {
        socket.write(`${word.length.toString(16)}\r\n${word}\r\n`)
        await eventually(
          () => received,
          (text) => text.includes(`\r\n${word}\r\n`),
        )
      }
      socket.write('0\r\n\r\n')
      await eventually(
        () => received,
        (text) => text.endsWith('0\r\n\r\n'),
      )
      socket.destroy()
    })

    it('passes a large body through without keeping it', async () => {
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const chunks = 800
      let sent = 0
      const one = await backend((_, res) => {
        const more = () => {
          while (sent < chunks) {
            sent++
            if (!res.write(chunk)) {
              res.once('drain', more)
              return
            }
          }
          res.end()
        }
        more()
      })
      await bus.register({ ...at(one), uris: ['large.example.com'] })
      const { response } = await open(url, 'large.example.com')
      // A client that does not read holds the app back.
      let before = -1
      const isHeldBack = () => {
        const held = sent > 0 && sent === before
        before = sent
        return held
      }
      await eventually(isHeldBack, (held) => held)
      assert.ok(sent < chunks / 2, `${sent} of ${chunks} chunks were taken`)
      let length = 0
      for await (const part of response) length += part.length
      assert.equal(length, chunks * chunk.length)
    })

    it('asks the client for its body only when an instance is there to take it', async () => {
      const one = await backend((req, res) => req.pipe(res))
      await bus.register({ ...at(one), uris: ['continue.example.com'] })
      const talk = async (host: string) => {
        const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
        let received = ''
        socket.on('data', (chunk) => {
          received += String(chunk)
        })
        socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`)
        await eventually(
          () => received,
          (text) => text.includes('\r\n\r\n'),
        )
        if (received.startsWith('HTTP/1.1 100 Continue')) socket.write('body')
        await eventually(
          () => received,
          (text) => /body|does not exist/.test(text),
        )
        socket.destroy()
        return received
      }
      assert.match(
        await talk('continue.example.com'),
        /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*\r\nbody\r\n/,
      )
      assert.match(await talk('unknown.example.com'), /^HTTP\/1\.1 404 Not Found/)
      assert.equal(one.requests[0]?.headers.expect, undefined)
    })

    it('passes trailers of a response on', async () => {
      const one = await backend((_, res) => {
        res.writeHead(200, { Trailer: 'X-Sum' })
        res.write('body')
        res.addTrailers({ 'X-Sum': '42' })
        res.end()
      })
      await bus.register({ ...at(one), uris: ['trailer.example.com'] })
      const answer = await ask(url, 'trailer.example.com', { headers: { TE: 'trailers' } })
      assert.equal(answer.body, 'body')
      assert.equal(answer.trailers['x-sum'], '42')
    })

    it('ends the request to the app when the client leaves', async () => {
      const left = Promise.withResolvers<void>()
      const one = await backend((_, res) => {
        res.write('first')
        res.once('close', () => left.resolve())
      })
      await bus.register({ ...at(one), uris: ['leaves.example.com'], app, private_instance_id: 'left' })
      const { response, abort } = await open(url, 'leaves.example.com')
      await once(response, 'data')
      response.on('error', () => {})
      abort()
      await left.promise
    })
  })

  describe('failing endpoints', () => {
    it('tries another endpoint when one is dead, whatever the method, and sends it the whole body', async () => {
      const one = await backend((req, res) => req.pipe(res))
      const dead = await deadAddress()
      await bus.register({ ...dead, uris: ['retry.example.com'] })
      await bus.register({ ...at(one), uris: ['retry.example.com'] })
      const body = 'b'.repeat(200_000)
      for (let i = 0; i < 4; i++) {
        const answer = await ask(url, 'retry.example.com', { method: 'POST', body })
        assert.equal(answer.status, 200)
        assert.equal(answer.body, body)
      }
    })

    it('answers 502 with endpoint_failure when none can be reached', async () => {
      for (const dead of [await deadAddress(), await deadAddress()]) {
        await bus.register({ ...dead, uris: ['dead.example.com'] })
      }
      const answer = await ask(url, 'dead.example.com')
      assert.equal(answer.status, 502)
      assert.match(String(answer.headers['x-cf-routererror']), /^endpoint_failure \(connect ECONNREFUSED .*\)$/)
      assert.equal(answer.body, '502 Bad Gateway: Registered endpoint failed to handle the request.\n')
    })

    it('sends a request without effect again when an endpoint hangs up, but never one that may have had an effect', async () => {
      const hangsUp = await backend((req) => req.socket.destroy())
      const works = await backend((_, res) => res.end('works'))
      await bus.register({ ...at(hangsUp), uris: ['hangup.example.com'] })
      await bus.register({ ...at(works), uris: ['hangup.example.com'] })
      for (let i = 0; i < 2; i++) assert.equal((await ask(url, 'hangup.example.com')).body, 'works')
      assert.ok(hangsUp.requests.length > 0)

      await bus.register({ ...at(hangsUp), uris: ['effect.example.com'] })
      await bus.register({ ...at(works), uris: ['effect.example.com'] })
      const before = hangsUp.requests.length + works.requests.length
      const statuses = new Set<number>()
      for (let i = 0; i < 2; i++) {
        statuses.add((await ask(url, 'effect.example.com', { method: 'POST', body: 'pay' })).status)
      }
      assert.deepEqual(statuses, new Set([200, 502]))
      assert.equal(hangsUp.requests.length + works.requests.length, before + 2)
    })

    it('breaks the answer off when the endpoint does, so that half of it is not taken for all', async () => {
      const one = await backend((_, res) => {
        res.write('half')
        setImmediate(() => res.destroy())
      })
      await bus.register({ ...at(one), uris: ['half.example.com'] })
      await assert.rejects(ask(url, 'half.example.com'), { code: 'ECONNRESET' })
    })

    it('answers the client when an endpoint hangs up in the middle of an upload', async () => {
      const one = await backend((req) => req.once('data', () => req.socket.destroy()))
      await bus.register({ ...at(one), uris: ['upload.example.com'] })
      const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
      let received = ''
      socket.on('data', (chunk) => {
        received += String(chunk)
      })
      socket.write('POST / HTTP/1.1\r\nHost: upload.example.com\r\nContent-Length: 100000\r\n\r\nstart')
      await eventually(
        () => received,
        (text) => text.includes('endpoint failed to handle'),
      )
      assert.match(received, /^HTTP\/1\.1 502 Bad Gateway/)
      socket.destroy()
    })
  })

  describe('sticky sessions', () => {
    it('binds a client with a session cookie to its instance', async () => {
      const instances = await Promise.all(
        ['i0', 'i1'].map((id) =>
          backend((req, res) => {
            if (req.url === '/app/login') res.setHeader('Set-Cookie', 'JSESSIONID=s; Path=/; Secure; SameSite=Strict')
            res.end(id)
          }),
        ),
      )
      for (const [index, instance] of instances.entries()) {
        await bus.register({ ...at(instance), uris: ['sticky.example.com/app'], private_instance_id: `i${index}` })
      }
      const login = await ask(url, 'sticky.example.com/app/login')
      const cookie = `__VCAP_ID__=${login.body}; Path=/app; HttpOnly; Secure; SameSite=Strict`
      assert.deepEqual(login.headers['set-cookie'], ['JSESSIONID=s; Path=/; Secure; SameSite=Strict', cookie])

      const Cookie = `JSESSIONID=s; __VCAP_ID__=${login.body}`
      for (let i = 0; i < 4; i++) {
        const answer = await ask(url, 'sticky.example.com/app', { headers: { Cookie } })
        assert.equal(answer.body, login.body)
        assert.equal(answer.headers['set-cookie'], undefined)
      }
      const without = await Promise.all(Array.from({ length: 4 }, () => ask(url, 'sticky.example.com/app')))
      assert.equal(new Set(without.map((answer) => answer.body)).size, 2)

      const gone = instances[Number(login.body.slice(1))]
      assert.ok(gone)
      await bus.unregister({ ...at(gone), uris: ['sticky.example.com/app'] })
      const moved = await ask(url, 'sticky.example.com/app', { headers: { Cookie } })
      assert.notEqual(moved.body, login.body)
      assert.deepEqual(moved.headers['set-cookie'], [`__VCAP_ID__=${moved.body}; Path=/app; HttpOnly`])
    })
  })

  describe('balancing', () => {
    it('goes round the instances by default', async () => {
      const counts = [0, 0, 0]
      for (const index of counts.keys()) {
        const one = await backend((_, res) => {
          counts[index] = (counts[index] ?? 0) + 1
          res.end()
        })
        await bus.register({ ...at(one), uris: ['round.example.com'] })
      }
      for (let i = 0; i < 9; i++) await ask(url, 'round.example.com')
      assert.deepEqual(counts, [3, 3, 3])
    })

    it('takes the least busy one where the route says so', async () => {
      const finish: (() => void)[] = []
      const busy = await backend((_, res) => finish.push(() => res.end('busy')))
      const idle = await backend((_, res) => res.end('idle'))
      const options = { loadbalancing: 'least-connection' }
      await bus.register({ ...at(busy), uris: ['least.example.com'], options })
      const waiting = ask(url, 'least.example.com')
      await eventually(
        () => busy.requests.length,
        (count) => count === 1,
      )
      await bus.register({ ...at(idle), uris: ['least.example.com'], options })
      for (let i = 0; i < 5; i++) assert.equal((await ask(url, 'least.example.com')).body, 'idle')
      finish[0]?.()
      assert.equal((await waiting).body, 'busy')
    })
  })

  it('answers probes of a load balancer whatever their host', async () => {
    const answer = await ask(url, 'any.example.com/x', { headers: { 'User-Agent': 'HTTP-Monitor/1.1' } })
    assert.equal(answer.status, 200)
    assert.equal(answer.body, 'ok\n')
    assert.equal(answer.headers['cache-control'], 'private, max-age=0')
  })

  describe('access log', () => {
    it('sends a line of gorouter format to the log of the app', async () => {
      const one = await backend((_, res) => res.end('12345'))
      const fields = {
        app,
        private_instance_id: 'instance-9',
        private_instance_index: '2',
        tags: { component: 'dea-0' },
      }
      await bus.register({ ...at(one), uris: ['logged.example.com'], ...fields })
      await ask(url, 'logged.example.com/a%22?b', {
        ...{ method: 'POST', body: 'abc', headers: { 'User-Agent': 'te"st\\1', Referer: 'http://from.example.com/' } },
      })
      const envelopes = await eventually(
        () => bus.logs.filter((envelope) => lineOf(envelope).startsWith('logged.example.com')),
        (found) => found.length > 0,
      )
      const [envelope] = envelopes
      assert.ok(envelope)
      assert.equal(envelope.source_id, app)
      assert.equal(envelope.instance_id, '0')
      assert.deepEqual(envelope.tags, { component: 'dea-0', source_type: 'RTR' })
      assert.equal(envelope.log?.type, 'OUT')
      assert.match(
        lineOf(envelope),
        new RegExp(
          '^logged\\.example\\.com - \\[\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z\\] "POST /a%22\\?b HTTP/1\\.1" 200 3 5 ' +
            '"http://from\\.example\\.com/" "te\\\\"st\\\\\\\\1" "127\\.0\\.0\\.1:\\d+" ' +
            `"127\\.0\\.0\\.1:${one.port}" x_forwarded_for:"127\\.0\\.0\\.1" x_forwarded_proto:"http" ` +
            'vcap_request_id:"[\\da-f-]{36}" response_time:\\d+\\.\\d{6} gorouter_time:\\d+\\.\\d{6} ' +
            `app_id:"${app}" app_index:"2" instance_id:"instance-9" x_cf_routererror:"-"$`,
        ),
      )
    })

    it('shows a failed request with its reason and one whose client left with 499', async () => {
      await bus.register({ ...(await deadAddress()), uris: ['failed.example.com'], app })
      await ask(url, 'failed.example.com')
      const hangs = await backend(() => {})
      await bus.register({ ...at(hangs), uris: ['hangs.example.com'], app })
      const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
      socket.write('GET / HTTP/1.1\r\nHost: hangs.example.com\r\n\r\n')
      await eventually(
        () => hangs.requests.length,
        (count) => count === 1,
      )
      socket.destroy()

      const lines = await eventually(
        () => ['failed', 'hangs'].map((host) => bus.logs.map(lineOf).find((line) => line.startsWith(host))),
        (found) => !found.includes(undefined),
      )
      assert.match(lines[0] ?? '', /" 502 0 \d+ .*x_cf_routererror:"endpoint_failure \(connect ECONNREFUSED/)
      assert.match(lines[1] ?? '', /" 499 0 0 /)
    })
  })
})

function at(backend: Backend): { host: string; port: number } {
  return { host: backend.host, port: backend.port }
}

function lineOf(envelope: { log?: { payload: string } | undefined }): string {
  return Buffer.from(envelope.log?.payload ?? '', 'base64').toString()
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { unusedPort } from '@vcap/nats-broker/testing/unused-port'
import type { RunningComponent } from '@vcap/protocol'
import { pino } from 'pino'
import { WebSocket, WebSocketServer } from 'ws'
import { startRouter } from './router.ts'
import { type Backend, startBackend } from './testing/backend.ts'
import { type BusClient, openBusClient } from './testing/bus-client.ts'
import { ask, eventually } from './testing/router-client.ts'

const logger = pino({ level: 'silent' })
/** An address at which nobody listens, another one each time. */
const deadAddress = async () => ({ host: '127.0.0.1', port: await unusedPort() })

describe('a request to switch protocols', () => {
  let broker: Awaited<ReturnType<typeof startNatsBroker>>
  let router: RunningComponent
  let bus: BusClient
  let backend: Backend
  let sockets: WebSocketServer
  const url = () => router.addresses.http ?? ''
  const dial = (host: string, path = '/') =>
    new WebSocket(`${url().replace('http', 'ws')}${path}`, { headers: { host, 'X-Forwarded-For': '203.0.113.7' } })

  before(async () => {
    broker = await startNatsBroker({ port: 0 }, { logger })
    const config = { port: 0, nats: { url: broker.addresses.nats }, startDelayInMilliseconds: 0 }
    router = await startRouter({ ...config, accessLogIntervalInMilliseconds: 5 }, { logger })
    bus = await openBusClient(broker.addresses.nats)
    backend = await startBackend((_, res) => res.writeHead(426, { 'X-Why': 'no socket' }).end('not here'))
    sockets = new WebSocketServer({ noServer: true })
    backend.server.on('upgrade', (req, socket: Socket, head) => {
      if (req.url === '/refused') {
        const body = 'who are you?'
        socket.end(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\nX-Why: token\r\n\r\n${body}`)
        return
      }
      sockets.handleUpgrade(req, socket, head, (client) => {
        client.send(JSON.stringify(req.headers))
        client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }))
      })
    })
  })
  after(async () => {
    for (const client of sockets.clients) client.terminate()
    await bus.stop()
    await router.stop()
    await backend.stop()
    await broker.stop()
  })

  it('makes a WebSocket of the client one with the app', async () => {
    const fields = { app: 'ws-app', private_instance_id: 'ws-1', private_instance_index: '0' }
    await bus.register({ host: backend.host, port: backend.port, uris: ['ws.example.com'], ...fields })
    const socket = dial('ws.example.com')
    const [hello] = (await once(socket, 'message')) as [Buffer]
    const headers = JSON.parse(String(hello)) as Record<string, string>
    assert.equal(headers.host, 'ws.example.com')
    assert.equal(headers['x-forwarded-for'], '203.0.113.7, 127.0.0.1')
    assert.equal(headers['x-cf-instanceid'], 'ws-1')
    const large = Buffer.alloc(1_000_000, 7)
    socket.send(large)
    const [echo] = (await once(socket, 'message')) as [Buffer]
    assert.ok(large.equals(echo))
    socket.close(1000)
    const [code] = (await once(socket, 'close')) as [number]
    assert.equal(code, 1000)
    const lines = await eventually(
      () => bus.logs.map((envelope) => Buffer.from(envelope.log?.payload ?? '', 'base64').toString()),
      (found) => found.length === 1,
    )
    assert.match(lines[0] ?? '', /^ws\.example\.com .* "GET \/ HTTP\/1\.1" 101 10000\d\d 100\d{4} /)
  })

  it('tries another instance when one is dead', async () => {
    await bus.register({ ...(await deadAddress()), uris: ['wsretry.example.com'] })
    await bus.register({ host: backend.host, port: backend.port, uris: ['wsretry.example.com'] })
    for (let i = 0; i < 3; i++) {
      const socket = dial('wsretry.example.com')
      await once(socket, 'message')
      socket.terminate()
    }
  })

  it('gives the client the answer of an app that refuses', async () => {
    await bus.register({ host: backend.host, port: backend.port, uris: ['wsrefused.example.com'] })
    const outgoing = request(`${url()}/refused`, {
      headers: { host: 'wsrefused.example.com', Connection: 'Upgrade', Upgrade: 'websocket' },
    })
    outgoing.end()
    const [response] = await once(outgoing, 'response')
    assert.equal(response.statusCode, 401)
    assert.equal(response.headers['x-why'], 'token')
    let body = ''
    for await (const chunk of response) body += String(chunk)
    assert.equal(body, 'who are you?')
  })

  it('answers 404 for an unknown host and 502 for a dead app, as for any other request', async () => {
    await bus.register({ ...(await deadAddress()), uris: ['wsdead.example.com'] })
    for (const [host, status] of [
      ['wsunknown.example.com', 404],
      ['wsdead.example.com', 502],
    ] as const) {
      const socket = dial(host)
      const [, response] = await once(socket, 'unexpected-response')
      assert.equal(response.statusCode, status)
      assert.ok(response.headers['x-cf-routererror'])
      response.resume()
    }
  })

  it('serves a request that only offers HTTP/2 in clear text as the plain request it is', async () => {
    await bus.register({ host: backend.host, port: backend.port, uris: ['h2c.example.com'] })
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
    const answer = await ask(url(), 'h2c.example.com', { headers })
    assert.equal(answer.status, 426)
    assert.equal(answer.body, 'not here')
    assert.equal(backend.requests.at(-1)?.headers.upgrade, undefined)
    assert.equal(backend.requests.at(-1)?.headers['http2-settings'], undefined)
  })

  it('switches to a protocol other than WebSocket too', async () => {
    const server = createServer()
    server.on('upgrade', (_, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nwelcome ')
      socket.pipe(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await bus.register({ host: '127.0.0.1', port, uris: ['chat.example.com'] })
    const outgoing = request(url(), {
      headers: { host: 'chat.example.com', Connection: 'Upgrade', Upgrade: 'chat' },
    })
    outgoing.end()
    const [response, socket, head] = (await once(outgoing, 'upgrade')) as [{ headers: unknown }, Socket, Buffer]
    assert.equal((response.headers as Record<string, string>).upgrade, 'chat')
    let received = head.toString()
    socket.on('data', (chunk) => {
      received += String(chunk)
    })
    socket.write('hello')
    await eventually(
      () => received,
      (text) => text === 'welcome hello',
    )
    socket.destroy()
    server.close()
    await once(server, 'close')
  })

  it('ends both sides when the router stops', async () => {
    const own = await startRouter(
      { port: 0, nats: { url: broker.addresses.nats }, startDelayInMilliseconds: 0 },
      { logger },
    )
    await bus.register({ host: backend.host, port: backend.port, uris: ['wsstop.example.com'] })
    const ownUrl = (own.addresses.http ?? '').replace('http', 'ws')
    await eventually(
      () => ask(own.addresses.http ?? '', 'wsstop.example.com'),
      (answer) => answer.status === 426,
    )
    const socket = new WebSocket(ownUrl, { headers: { host: 'wsstop.example.com' } })
    await once(socket, 'message')
    const closed = once(socket, 'close')
    await own.stop()
    await closed
    await eventually(
      () => sockets.clients.size,
      (size) => size === 0,
    )
  })
})

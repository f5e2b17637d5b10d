import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../routes/endpoint.ts'
import type { EndpointPool } from '../routes/endpoint-pool.ts'
import { type FailedAttempt, isRetriable, marksEndpoint } from './backend-failure.ts'
import { EndpointChoice, type Exchange } from './exchange.ts'
import type { ProxyContext } from './proxy-context.ts'
import { endpointHeaders } from './request-headers.ts'
import { responseHeaders } from './response-headers.ts'
import { routerErrors } from './router-error.ts'
import { stickyInstanceId } from './sticky-session.ts'

export interface ClientConnection {
  readonly socket: Socket
  /** Bytes that the client sent right behind its request. */
  readonly head: Buffer
}

/**
 * Sends a request to switch protocols (WebSocket or any other) to one endpoint after the other. Where the endpoint agrees, the two
 * connections become one; where it answers as usual, its answer is the client's.
 * Uses node:http and not undici, which gives up on an endpoint that does not agree and so would lose its answer.
 */
export function forwardUpgrade(
  exchange: Exchange,
  client: ClientConnection,
  pool: EndpointPool,
  context: ProxyContext,
): void {
  const { config, logger } = context
  const choice = new EndpointChoice(pool, stickyInstanceId(exchange.req, config), config.maxAttempts)
  attempt(undefined)

  function attempt(lastError: Error | undefined): void {
    const endpoint = choice.next()
    if (!endpoint) {
      exchange.fail(routerErrors.endpointFailure(lastError?.message ?? 'No endpoints available'))
      return
    }
    exchange.endpoint = endpoint
    exchange.backendStarted()
    endpoint.openRequests++
    const outgoing = send(exchange, endpoint)
    let connected = false
    let settled = false
    const abandon = () => outgoing.destroy()
    client.socket.once('close', abandon)
    const settle = () => {
      settled = true
      clearTimeout(deadline)
      client.socket.off('close', abandon)
      exchange.backendFinished()
    }
    let deadline = setTimeout(
      () => outgoing.destroy(new Error('dial timed out')),
      config.endpointDialTimeoutInSeconds * 1000,
    )
    outgoing.once('socket', (socket) =>
      socket.once('connect', () => {
        connected = true
        clearTimeout(deadline)
        deadline = setTimeout(
          () => outgoing.destroy(new Error('no answer in time')),
          config.endpointTimeoutInSeconds * 1000,
        )
      }),
    )
    outgoing.once('upgrade', (response, backend, backendHead) => {
      settle()
      context.counters.upgrades++
      exchange.status = response.statusCode ?? 101
      client.socket.write(switchingProtocols(response, headersFor(response, endpoint)))
      join(exchange, client, { socket: backend, head: backendHead }, () => endpoint.openRequests--)
    })
    outgoing.once('response', (response) => {
      settle()
      response.once('close', () => endpoint.openRequests--)
      relay(exchange, response, headersFor(response, endpoint))
    })
    outgoing.on('error', (error) => {
      if (settled) {
        exchange.res.destroy()
        return
      }
      settle()
      endpoint.openRequests--
      if (exchange.clientHasLeft || client.socket.destroyed) return
      const failure: FailedAttempt = { error, connected, responded: false }
      const retriable = isRetriable(exchange.req, failure)
      if (marksEndpoint(failure)) endpoint.failedAt = performance.now()
      logger.warn({ err: error, endpoint: endpoint.address, app: endpoint.appGuid, retriable }, 'endpoint failed')
      if (retriable) attempt(error)
      else exchange.fail(routerErrors.endpointFailure(error.message))
    })
    outgoing.end()
  }

  function headersFor(response: IncomingMessage, endpoint: Endpoint): string[] {
    return responseHeaders(response.rawHeaders, {
      requestId: exchange.requestId,
      endpoint,
      contextPath: pool.contextPath,
      stickyInstanceId: choice.stickyInstanceId,
      config,
    })
  }
}

function send(exchange: Exchange, endpoint: Endpoint): ClientRequest {
  return request({
    host: endpoint.host,
    port: endpoint.port,
    method: exchange.req.method ?? 'GET',
    path: exchange.path,
    headers: [
      ...exchange.forwarded.headers,
      ...endpointHeaders(endpoint),
      ...['Connection', 'Upgrade', 'Upgrade', exchange.req.headers.upgrade ?? ''],
    ],
    // A connection of its own, which never comes back.
    agent: false,
  })
}

function switchingProtocols(response: IncomingMessage, headers: readonly string[]): Buffer {
  let text = `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n`
  text += `Connection: Upgrade\r\nUpgrade: ${response.headers.upgrade ?? ''}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}

/** The endpoint did not agree: its answer goes to the client, whose connection ends with it. */
function relay(exchange: Exchange, response: IncomingMessage, headers: string[]): void {
  const { res } = exchange
  exchange.status = response.statusCode ?? 502
  res.shouldKeepAlive = false
  res.writeHead(exchange.status, response.statusMessage, headers)
  response.on('data', (chunk: Buffer) => {
    exchange.responseBytes += chunk.length
  })
  response.on('error', () => res.destroy())
  res.once('close', () => response.destroy())
  response.pipe(res)
}

/** Makes one connection of two. When a side ends, the other gets what was still under way and ends too. */
function join(
  exchange: Exchange,
  client: ClientConnection,
  backend: { socket: Duplex; head: Buffer },
  whenDone: () => void,
): void {
  const pairs = [
    [client.socket, backend.socket],
    [backend.socket, client.socket],
  ] as const
  if (backend.head.length > 0) backend.socket.unshift(backend.head)
  if (client.head.length > 0) client.socket.unshift(client.head)
  client.socket.setTimeout(0).setNoDelay(true)
  client.socket.on('data', (chunk: Buffer) => {
    exchange.requestBytes += chunk.length
  })
  backend.socket.on('data', (chunk: Buffer) => {
    exchange.responseBytes += chunk.length
  })
  for (const [from, to] of pairs) {
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.once('close', () => {
      if (to.writableFinished) to.destroy()
      else to.end(() => to.destroy())
    })
  }
  backend.socket.once('close', whenDone)
}

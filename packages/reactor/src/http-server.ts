import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { hasBody } from './body-intake.ts'
import { ConnectionOrder } from './connection-order.ts'
import { Exchange } from './exchange.ts'
import {
  type Fault,
  type FaultKind,
  faultStatus,
  type HttpOptions,
  type RequestHead,
  type StaticAnswer,
} from './options.ts'
import type { ThreadPool } from './thread-pool.ts'

const waitStepInMilliseconds = 100

export type HttpSettings = Required<Omit<HttpOptions, 'staticAnswer' | 'requestId' | 'client'>> &
  Pick<HttpOptions, 'staticAnswer' | 'requestId' | 'client'>

/** Tells the metrics what happens. */
export interface HttpObserver {
  onRequest(method: string, route: string, status: number, seconds: number): void
  onFault(kind: FaultKind): void
}

/** The listener: parses HTTP, takes bodies in, and has every request served by a thread. Runs none of the application's code but `staticAnswer` and `faultAnswer`. */
export class HttpServer {
  readonly settings: HttpSettings
  readonly requests: ThreadPool
  readonly logger: Logger
  isStopping = false
  readonly #observer: HttpObserver
  readonly #order: ConnectionOrder
  readonly #server: Server
  readonly #open = new Set<Exchange>()
  #onAllOver: (() => void) | undefined

  constructor(settings: HttpSettings, requests: ThreadPool, logger: Logger, observer: HttpObserver) {
    this.settings = settings
    this.requests = requests
    this.logger = logger
    this.#observer = observer
    this.#order = new ConnectionOrder(settings.pipelineLimit)
    this.#server = createServer({
      maxHeaderSize: settings.headerLimitInBytes,
      headersTimeout: settings.headerTimeoutInSeconds * 1000,
      // The intake of bodies has its own limits, which a slow but steady upload keeps.
      requestTimeout: 0,
      keepAliveTimeout: settings.keepAliveTimeoutInSeconds * 1000,
      connectionsCheckingInterval: Math.min(5000, settings.headerTimeoutInSeconds * 500),
      noDelay: true,
      // Node.js would answer without a body, a request id or a number in the metrics; `hostIsPlausible` asks for it.
      requireHostHeader: false,
    })
    if (Number.isFinite(settings.connectionLimit)) this.#server.maxConnections = settings.connectionLimit
    // Node.js cuts the list of headers silently at 2000 otherwise; the limit in bytes holds anyway.
    this.#server.maxHeadersCount = 0
    this.#server.on('request', (request, response) => this.#onRequest(request, response, false))
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response, true))
    this.#server.on('checkExpectation', (request, response) =>
      this.#enter(request, response, (e) => e.refuse('expectation-failed')),
    )
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket))
  }

  /** Resolves with the port. */
  async listen(): Promise<number> {
    const { host, port, reusePort } = this.settings
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen({ host, port, reusePort, backlog: 1024 }, resolve)
    await promise
    this.#server.off('error', reject)
    this.#server.on('error', (error) => this.logger.error({ err: error }, 'the HTTP listener failed'))
    const address = this.#server.address()
    if (!isAddressInfo(address)) throw new Error('the HTTP listener has no port')
    return address.port
  }

  /**
   * From now on every answer asks the client to close its connection. Stops listening after `drainInMilliseconds`, in which a balancer
   * sees that this server is leaving; then waits for open requests, at most so long, and drops the rest.
   */
  async stop(drainInMilliseconds: number, limitInMilliseconds: number): Promise<void> {
    this.isStopping = true
    await wait(drainInMilliseconds)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitInMilliseconds)
      this.#onAllOver = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#open.size === 0) this.#onAllOver()
    })
    this.#server.closeIdleConnections()
    setTimeout(() => this.#server.closeAllConnections(), 50)
    await closed
  }

  clientOf(head: RequestHead, remoteAddress: string): string {
    return this.settings.client?.(head, remoteAddress) ?? head.headers.authorization ?? remoteAddress
  }

  /** The application's rendering of a fault; its own failure must not leave a client without an answer. */
  faultAnswer(fault: Fault): StaticAnswer {
    const status = faultStatus[fault.kind]
    let answer: StaticAnswer
    try {
      answer = this.settings.faultAnswer(fault)
    } catch (error) {
      this.logger.error({ err: error, fault }, 'faultAnswer threw')
      answer = { status, headers: { 'content-type': 'text/plain' }, body: `${fault.kind}\n` }
    }
    if (status !== 503 || 'retry-after' in answer.headers || 'Retry-After' in answer.headers) return answer
    return { ...answer, headers: { ...answer.headers, 'Retry-After': String(this.settings.retryAfterInSeconds) } }
  }

  onFault(kind: FaultKind): void {
    this.#observer.onFault(kind)
  }

  onOver(exchange: Exchange, socket: Socket): void {
    this.#open.delete(exchange)
    this.#order.leave(socket, exchange)
    const seconds = (performance.now() - exchange.startedAt) / 1000
    this.#observer.onRequest(exchange.method, exchange.route, exchange.status, seconds)
    if (this.#open.size === 0) this.#onAllOver?.()
  }

  /** For clean-up that nobody waits for. */
  forget(work: Promise<void>): void {
    work.catch((error: unknown) => this.logger.error({ err: error }, 'a temporary file could not be deleted'))
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    this.#enter(request, response, (exchange) => {
      if (!hostIsPlausible(request)) {
        exchange.refuse('malformed')
        return
      }
      const { staticAnswer } = this.settings
      const head = { method: exchange.method, path: exchange.path, headers: request.headers }
      const answer = staticAnswer?.(head)
      if (answer) exchange.answer(answer)
      else if (hasBody(request) || expectsContinue) void exchange.receive(expectsContinue)
      else exchange.submit()
    })
  }

  #enter(request: IncomingMessage, response: ServerResponse, begin: (exchange: Exchange) => void): void {
    try {
      const requestId = this.settings.requestId?.(request.headers) ?? randomUUID()
      const exchange = new Exchange(this, request, response, requestId)
      this.#open.add(exchange)
      if (!this.#order.enter(request.socket, exchange, () => begin(exchange))) exchange.refuse('overloaded')
    } catch (error) {
      this.logger.error({ err: error, method: request.method, path: request.url }, 'a request could not be accepted')
      response.writeHead(500, { connection: 'close', 'content-length': 0 }).end()
    }
  }

  /** What Node.js could not parse. There is no response object, so the answer is written by hand. */
  #onClientError(error: Error & { readonly code?: string }, socket: Duplex): void {
    const kind: FaultKind =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? 'headers-too-large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? 'request-timeout'
          : 'malformed'
    if (error.code === 'ECONNRESET' || !socket.writable || this.#order.isBusy(socket as Socket)) {
      socket.destroy()
      return
    }
    this.onFault(kind)
    const { status, headers, body } = this.faultAnswer({ kind, requestId: randomUUID(), method: '', path: '' })
    const lines = [
      `HTTP/1.1 ${status} ${kind}`,
      'Connection: close',
      `Content-Length: ${Buffer.byteLength(body ?? '')}`,
    ]
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    socket.end(body ?? '')
    // Without reading the rest, closing would reset the connection before the client has read the answer.
    socket.resume()
    setTimeout(() => socket.destroy(), 500).unref()
  }
}

/** HTTP/1.1 asks for a Host (RFC 9112, section 3.2). One that can't be part of a URL would fail later, in the application. */
function hostIsPlausible({ headers: { host }, httpVersion }: IncomingMessage): boolean {
  return host === undefined ? httpVersion !== '1.1' : /^[\w.:[\]%~-]*$/.test(host)
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

/** In short steps: while the whole process stands still its clients get no answers either, so that time counts as one step. */
async function wait(milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= waitStepInMilliseconds)
    await sleep(Math.min(left, waitStepInMilliseconds))
}

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AccessRecord } from '../access-log/access-record.ts'
import type { Endpoint } from '../routes/endpoint.ts'
import type { EndpointPool } from '../routes/endpoint-pool.ts'
import { clientAddress, type ForwardedHeaders } from './request-headers.ts'
import { type RouterError, writeRouterError } from './router-error.ts'

/** The status that the access log shows for a client that left before the answer (gorouter's 499). */
const clientClosedRequest = 499

/** One request on its way through the router, and what the access log will say of it. */
export class Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The Host header as the client sent it. */
  readonly host: string
  /** Path and query. */
  readonly path: string
  readonly requestId = randomUUID()
  endpoint: Endpoint | undefined
  forwarded: ForwardedHeaders = { headers: [], forwardedFor: '', forwardedProto: '' }
  status = 0
  requestBytes = 0
  responseBytes = 0
  /** The client waits for `100 Continue` before it sends its body. */
  expectsContinue = false
  readonly #receivedAtEpoch = Date.now()
  readonly #receivedAt = performance.now()
  readonly #remoteAddress: string
  #routerError = ''
  #backendStartedAt: number | undefined
  #backendFinishedAt: number | undefined

  constructor(req: IncomingMessage, res: ServerResponse, target: { host: string; path: string }) {
    this.req = req
    this.res = res
    this.host = target.host
    this.path = target.path
    // A closed socket no longer knows its peer.
    this.#remoteAddress = `${clientAddress(req)}:${req.socket.remotePort ?? 0}`
  }

  get clientHasLeft(): boolean {
    return this.res.destroyed
  }

  /** Answers with an error of the router's own. */
  fail(error: RouterError): void {
    if (this.clientHasLeft || this.res.headersSent) {
      this.res.destroy()
      return
    }
    this.status = error.status
    this.#routerError = error.reason
    // The client keeps the body that it was not asked for, so the connection can't go on.
    if (this.expectsContinue || !this.req.complete) this.res.shouldKeepAlive = false
    writeRouterError(this.res, error, this.requestId)
  }

  continueOnce(): void {
    if (!this.expectsContinue) return
    this.expectsContinue = false
    this.res.writeContinue()
  }

  backendStarted(): void {
    this.#backendStartedAt ??= performance.now()
  }

  backendFinished(): void {
    this.#backendFinishedAt = performance.now()
  }

  /** To be called when the response is closed. */
  record(): AccessRecord {
    const elapsed = performance.now() - this.#receivedAt
    const { req, endpoint, forwarded } = this
    return {
      host: this.host,
      method: req.method ?? '',
      uri: this.path,
      httpVersion: req.httpVersion,
      receivedAt: this.#receivedAtEpoch,
      responseTimeInSeconds: elapsed / 1000,
      routerTimeInSeconds: this.#routerTime(elapsed),
      status: this.status || clientClosedRequest,
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      referer: req.headers.referer ?? '',
      userAgent: req.headers['user-agent'] ?? '',
      remoteAddress: this.#remoteAddress,
      backendAddress: endpoint?.address ?? '',
      forwardedFor: forwarded.forwardedFor,
      forwardedProto: forwarded.forwardedProto,
      requestId: this.requestId,
      appGuid: endpoint?.appGuid ?? '',
      instanceIndex: endpoint?.instanceIndex ?? '',
      instanceId: endpoint?.instanceId ?? '',
      routerError: this.#routerError,
    }
  }

  #routerTime(elapsedInMilliseconds: number): number | undefined {
    if (this.#backendStartedAt === undefined || this.#backendFinishedAt === undefined) return undefined
    return Math.max(elapsedInMilliseconds - (this.#backendFinishedAt - this.#backendStartedAt), 0) / 1000
  }
}

/** Chooses the endpoint of each attempt: a sticky session's first, then by the pool's balancing, none twice. */
export class EndpointChoice {
  readonly stickyInstanceId: string | undefined
  readonly #pool: EndpointPool
  readonly #tried = new Set<Endpoint>()
  readonly #maxAttempts: number

  constructor(pool: EndpointPool, stickyInstanceId: string | undefined, maxAttempts: number) {
    this.#pool = pool
    this.stickyInstanceId = stickyInstanceId
    this.#maxAttempts = maxAttempts
  }

  next(): Endpoint | undefined {
    if (this.#tried.size >= this.#maxAttempts) return undefined
    const sticky = this.#tried.size === 0 && this.stickyInstanceId !== undefined
    const endpoint =
      (sticky ? this.#pool.withInstanceId(this.stickyInstanceId ?? '') : undefined) ?? this.#pool.next(this.#tried)
    if (endpoint) this.#tried.add(endpoint)
    return endpoint
  }
}

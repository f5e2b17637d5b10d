import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Endpoint } from '../routes/endpoint.ts'
import type { EndpointPool } from '../routes/endpoint-pool.ts'
import { type FailedAttempt, isBadRequest, isRetriable, marksEndpoint } from './backend-failure.ts'
import { EndpointChoice, type Exchange } from './exchange.ts'
import type { ProxyContext } from './proxy-context.ts'
import { endpointHeaders, hasBody } from './request-headers.ts'
import { latin1, responseHeaders } from './response-headers.ts'
import { routerErrors } from './router-error.ts'
import { stickyInstanceId } from './sticky-session.ts'

/** Sends a request to one endpoint after the other until one answers, and streams its answer to the client. */
export function forward(exchange: Exchange, pool: EndpointPool, context: ProxyContext): void {
  new Forwarding(exchange, pool, context).attempt()
}

class Forwarding implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange
  readonly #pool: EndpointPool
  readonly #context: ProxyContext
  readonly #choice: EndpointChoice
  #endpoint: Endpoint | undefined
  #controller: Dispatcher.DispatchController | undefined
  #responded = false
  #lastFailure: FailedAttempt | undefined

  constructor(exchange: Exchange, pool: EndpointPool, context: ProxyContext) {
    this.#exchange = exchange
    this.#pool = pool
    this.#context = context
    this.#choice = new EndpointChoice(pool, stickyInstanceId(exchange.req, context.config), context.config.maxAttempts)
    exchange.res.once('close', () => {
      if (!exchange.res.writableFinished) this.#controller?.abort(new Error('client has left'))
    })
  }

  attempt(): void {
    const exchange = this.#exchange
    const { req } = exchange
    const endpoint = this.#choice.next()
    if (!endpoint) {
      exchange.fail(routerErrors.endpointFailure(this.#lastFailure?.error.message ?? 'No endpoints available'))
      return
    }
    this.#endpoint = endpoint
    this.#controller = undefined
    endpoint.openRequests++
    exchange.endpoint = endpoint
    exchange.backendStarted()
    this.#context.backends.to(endpoint.address).dispatch(
      {
        method: req.method ?? 'GET',
        path: exchange.path,
        headers: [...exchange.forwarded.headers, ...endpointHeaders(endpoint)],
        body: hasBody(req) ? countedBody(exchange, req) : null,
      },
      this,
    )
  }

  /** A connection is there; the request is about to be written, and its body about to be read. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#exchange.clientHasLeft) controller.abort(new Error('client has left'))
    else this.#exchange.continueOnce()
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, statusText?: string): void {
    // Interim answers end at the router.
    if (status < 200) return
    const exchange = this.#exchange
    const { res } = exchange
    const endpoint = this.#endpoint
    if (exchange.clientHasLeft || !endpoint) return
    this.#responded = true
    exchange.status = status
    if (this.#context.isDraining || !exchange.req.complete) res.shouldKeepAlive = false
    const headers = responseHeaders(latin1(controller.rawHeaders), {
      requestId: exchange.requestId,
      endpoint,
      contextPath: this.#pool.contextPath,
      stickyInstanceId: this.#choice.stickyInstanceId,
      config: this.#context.config,
    })
    if (statusText && /^[\t\x20-\x7e]+$/.test(statusText)) res.writeHead(status, statusText, headers)
    else res.writeHead(status, headers)
    // Headers leave with the first bytes of the body; where those take time, the headers go ahead.
    setImmediate(() => {
      if (exchange.responseBytes === 0 && !res.writableEnded && !res.destroyed) res.flushHeaders()
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { res } = this.#exchange
    this.#exchange.responseBytes += chunk.length
    if (res.write(chunk)) return
    controller.pause()
    res.once('drain', () => controller.resume())
  }

  onResponseEnd(_: Dispatcher.DispatchController, trailers: unknown): void {
    this.#finishAttempt()
    const { res } = this.#exchange
    if (res.destroyed) return
    if (res.hasHeader('trailer') || res.chunkedEncoding) {
      if (trailers && Object.keys(trailers).length > 0) res.addTrailers(trailers as Record<string, string>)
    }
    res.end()
  }

  onResponseError(_: unknown, error: Error): void {
    this.#finishAttempt()
    const exchange = this.#exchange
    if (exchange.clientHasLeft) return
    const failure: FailedAttempt = { error, connected: this.#controller !== undefined, responded: this.#responded }
    if (isBadRequest(failure)) {
      exchange.fail(routerErrors.badRequest())
      return
    }
    const retriable = isRetriable(exchange.req, failure)
    if (marksEndpoint(failure) && this.#endpoint) this.#endpoint.failedAt = performance.now()
    this.#context.logger.warn(
      {
        err: error,
        endpoint: this.#endpoint?.address,
        app: this.#endpoint?.appGuid,
        retriable,
        vcapRequestId: exchange.requestId,
      },
      'endpoint failed',
    )
    this.#lastFailure = failure
    if (retriable) this.attempt()
    else exchange.fail(routerErrors.endpointFailure(error.message))
  }

  #finishAttempt(): void {
    this.#exchange.backendFinished()
    if (this.#endpoint) this.#endpoint.openRequests--
  }
}

/**
 * The request's body as an iterable rather than the stream itself: it is not read before there is a connection, so that another
 * endpoint can still be tried, and a failing endpoint does not end the client's connection, so that the client gets an answer.
 */
function countedBody(exchange: Exchange, req: IncomingMessage): Readable {
  // undici takes any async iterable (docs/api/Dispatcher.md, DispatchOptions); only its types leave that out.
  return chunksOf(exchange, req) as unknown as Readable
}

async function* chunksOf(exchange: Exchange, req: IncomingMessage): AsyncGenerator<Buffer> {
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    exchange.requestBytes += chunk.length
    yield chunk
  }
}

import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Exchange } from './exchange.ts'
import { forward } from './forward.ts'
import type { ProxyContext } from './proxy-context.ts'
import { forwardedHeaders } from './request-headers.ts'
import { type Resolved, resolveRoute } from './resolve-route.ts'
import { type RouterError, routerErrors, writeRouterError } from './router-error.ts'
import { type ClientConnection, forwardUpgrade } from './upgrade.ts'

/** Serves a request: health check, route, endpoint, access log, in that order. `expectsContinue`: the client waits for 100 Continue. */
export function handleRequest(
  req: IncomingMessage,
  res: ServerResponse,
  context: ProxyContext,
  expectsContinue = false,
): void {
  if (req.headers['user-agent'] === context.config.healthCheckUserAgent) {
    answerHealthCheck(res, context)
    return
  }
  const exchange = begin(req, res, context)
  if (!exchange) return
  exchange.expectsContinue = expectsContinue
  const resolved = resolve(exchange, context)
  if ('error' in resolved) exchange.fail(resolved.error)
  else forward(exchange, resolved.pool, context)
}

/** Serves a request that wants to switch protocols; the connection is no longer the HTTP server's. */
export function handleUpgrade(req: IncomingMessage, socket: Socket, head: Buffer, context: ProxyContext): void {
  const res = new ServerResponse(req)
  res.shouldKeepAlive = false
  res.assignSocket(socket)
  res.once('finish', () => socket.end())
  socket.on('error', () => socket.destroy())
  const exchange = begin(req, res, context)
  if (!exchange) return
  const resolved = resolve(exchange, context)
  const client: ClientConnection = { socket, head }
  if ('error' in resolved) exchange.fail(resolved.error)
  else forwardUpgrade(exchange, client, resolved.pool, context)
}

/** False for what is better served as the plain request that it also is: HTTP/2 in clear text, which no browser ever asked for. */
export function mayUpgrade(req: IncomingMessage): boolean {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
  return !hasBody && !/\bh2c\b/i.test(req.headers.upgrade ?? '')
}

function begin(req: IncomingMessage, res: ServerResponse, context: ProxyContext): Exchange | undefined {
  const target = targetOf(req)
  if (!target) {
    writeRouterError(res, routerErrors.badRequest(), '')
    return undefined
  }
  const exchange = new Exchange(req, res, target)
  if (context.isDraining) res.shouldKeepAlive = false
  res.once('close', () => {
    const record = exchange.record()
    context.counters.finished(exchange.status, record.routerError !== '')
    context.accessLog.add(record, exchange.endpoint?.tags ?? {})
  })
  return exchange
}

function resolve(exchange: Exchange, context: ProxyContext): Resolved | { readonly error: RouterError } {
  if (context.isStarting) return { error: routerErrors.starting() }
  const { req, host, path } = exchange
  exchange.forwarded = forwardedHeaders(req, host, exchange.requestId, context.config)
  return resolveRoute(context.routes, req, host, path)
}

/** Host and path of a request, also of one in absolute form (RFC 9112, 3.2.2). Undefined for a target that has no path. */
function targetOf(req: IncomingMessage): { host: string; path: string } | undefined {
  const target = req.url ?? ''
  if (target.startsWith('/')) return { host: req.headers.host ?? '', path: target }
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target)
  if (!absolute) return undefined
  const [, host = '', rest = ''] = absolute
  return { host, path: rest.startsWith('/') ? rest : `/${rest}` }
}

/** Source: gorouter handlers/proxy_healthcheck.go. */
export function answerHealthCheck(res: ServerResponse, context: ProxyContext): void {
  const healthy = !context.isStarting && !context.isDraining
  res.shouldKeepAlive = false
  res.writeHead(healthy ? 200 : 503, { 'Cache-Control': 'private, max-age=0', Expires: '0' })
  res.end(healthy ? 'ok\n' : undefined)
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { availableParallelism } from 'node:os'
import { answerHealthCheck } from '../proxy/proxy.ts'
import type { ProxyContext } from '../proxy/proxy-context.ts'
import type { Endpoint } from '../routes/endpoint.ts'

/**
 * The operator's listener: /health and /healthz for anyone, /routes and /varz with basic authentication.
 * Source: gorouter common/component.go, route/pool.go MarshalJSON, varz/varz.go.
 */
export function createAdminServer(
  context: ProxyContext,
  identity: { readonly id: string; readonly user: string; readonly password: string },
): Server {
  const startedAt = new Date()
  const answers: Record<string, () => unknown> = {
    '/routes': () => routesDocument(context),
    '/varz': () => varzDocument(context, identity.id, startedAt),
  }
  return createServer((req, res) => {
    const path = (req.url ?? '').split('?')[0] ?? ''
    const answer = answers[path]
    if (path === '/health' || path === '/healthz') answerHealthCheck(res, context)
    else if (!isAuthorized(req, identity)) {
      res.writeHead(401, { 'WWW-Authenticate': 'Basic realm="router"' }).end()
    } else if (answer) json(res, answer())
    else res.writeHead(404).end()
  })
}

function routesDocument(context: ProxyContext): Record<string, unknown> {
  return Object.fromEntries(context.routes.entries().map(({ uri, pool }) => [uri, pool.endpoints.map(present)]))
}

function present(endpoint: Endpoint): Record<string, unknown> {
  return {
    address: endpoint.address,
    protocol: 'http1',
    tls: false,
    ttl: endpoint.staleThresholdInSeconds,
    tags: endpoint.tags,
    ...(endpoint.instanceId ? { private_instance_id: endpoint.instanceId } : {}),
  }
}

function varzDocument(context: ProxyContext, id: string, startedAt: Date): Record<string, unknown> {
  const { counters, routes, accessLog } = context
  const entries = routes.entries()
  const [xxx, , ...groups] = counters.responses
  const uptimeInSeconds = (Date.now() - startedAt.getTime()) / 1000
  return {
    type: 'Router',
    index: context.config.index,
    uuid: id,
    start: startedAt.toISOString(),
    uptime: `${Math.floor(uptimeInSeconds)}s`,
    num_cores: availableParallelism(),
    mem: Math.round(process.memoryUsage.rss() / 1024),
    urls: entries.length,
    droplets: new Set(entries.flatMap(({ pool }) => pool.endpoints.map((endpoint) => endpoint.appGuid))).size,
    requests: counters.requests,
    requests_per_sec: uptimeInSeconds > 0 ? counters.requests / uptimeInSeconds : 0,
    bad_requests: counters.badRequests,
    bad_gateways: counters.badGateways,
    upgrades: counters.upgrades,
    responses_2xx: groups[0],
    responses_3xx: groups[1],
    responses_4xx: groups[2],
    responses_5xx: groups[3],
    responses_xxx: xxx,
    access_log_lines_dropped: accessLog.dropped,
    ms_since_last_registry_update:
      routes.lastUpdatedAt === undefined ? -1 : Math.round(performance.now() - routes.lastUpdatedAt),
  }
}

function isAuthorized(req: IncomingMessage, { user, password }: { user: string; password: string }): boolean {
  const given = /^basic (.+)$/i.exec(req.headers.authorization ?? '')?.[1]
  if (!given) return false
  // Digests are of equal length, which is what the comparison in constant time needs.
  const digest = (value: string) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(Buffer.from(given, 'base64').toString()), digest(`${user}:${password}`))
}

function json(res: ServerResponse, body: unknown): void {
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}

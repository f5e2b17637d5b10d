import type { IncomingMessage } from 'node:http'
import type { RouterConfig } from '../config.ts'
import type { Endpoint } from '../routes/endpoint.ts'
import { connectionHeaders } from './hop-by-hop.ts'

/** Headers of the request that the router sets itself; what a client sends under these names does not go on. Lower case. */
const setByRouter = new Set([
  'host',
  'expect',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-vcap-request-id',
  'x-cf-applicationid',
  'x-cf-instanceid',
  'x-cf-instanceindex',
  'x-cf-app-instance',
])

export interface ForwardedHeaders {
  /** Names and values in turn, in the client's spelling and order. */
  readonly headers: readonly string[]
  readonly forwardedFor: string
  readonly forwardedProto: string
}

/**
 * The request headers for whichever endpoint is chosen. Source: gorouter proxy/proxy.go, handlers/x_forwarded_proto.go, handlers/request_id.go.
 */
export function forwardedHeaders(
  req: IncomingMessage,
  host: string,
  requestId: string,
  config: RouterConfig,
): ForwardedHeaders {
  const connectionOnly = connectionHeaders(req.headers.connection)
  const raw = req.rawHeaders
  const forwardedFor = append(req.headers['x-forwarded-for'], clientAddress(req))
  const forwardedProto = protocolFor(req, config)
  const headers = ['Host', host]
  let hasRequestStart = false
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const lower = name.toLowerCase()
    if (connectionOnly.has(lower) || setByRouter.has(lower)) continue
    if (lower === 'x-request-start') hasRequestStart = true
    headers.push(name, raw[i + 1] ?? '')
  }
  if (req.headers.te?.includes('trailers')) headers.push('TE', 'trailers')
  headers.push('X-Forwarded-For', forwardedFor, 'X-Forwarded-Proto', forwardedProto, 'X-Vcap-Request-Id', requestId)
  if (!hasRequestStart) headers.push('X-Request-Start', String(Date.now()))
  return { headers, forwardedFor, forwardedProto }
}

/** What the chosen endpoint learns about itself. Source: gorouter proxy/round_tripper/proxy_round_tripper.go backendRoundTrip. */
export function endpointHeaders(endpoint: Endpoint): string[] {
  const headers = ['X-Cf-InstanceID', endpoint.instanceId || endpoint.address]
  if (endpoint.appGuid) headers.push('X-Cf-ApplicationID', endpoint.appGuid)
  if (endpoint.instanceIndex) headers.push('X-Cf-InstanceIndex', endpoint.instanceIndex)
  return headers
}

/** Whether the request has a body, of whatever length. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

export function clientAddress(req: IncomingMessage): string {
  const address = req.socket.remoteAddress ?? ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

function protocolFor(req: IncomingMessage, config: RouterConfig): string {
  if (config.forceForwardedProtoHttps) return 'https'
  const said = req.headers['x-forwarded-proto']
  return config.sanitizeForwardedProto || typeof said !== 'string' || said === '' ? 'http' : said
}

function append(list: string | string[] | undefined, address: string): string {
  const before = Array.isArray(list) ? list.join(', ') : list
  return before ? `${before}, ${address}` : address
}

import type { RouterConfig } from '../config.ts'
import type { Endpoint } from '../routes/endpoint.ts'
import { connectionHeaders } from './hop-by-hop.ts'
import { stickyCookie } from './sticky-session.ts'

export interface ResponseContext {
  readonly requestId: string
  readonly endpoint: Endpoint
  readonly contextPath: string
  readonly stickyInstanceId: string | undefined
  readonly config: RouterConfig
}

/**
 * The response headers for the client: the endpoint's in its spelling and order, without those of its connection, with X-Vcap-Request-Id
 * unless the app sent one, and with the cookie of a sticky session. Source: gorouter proxy/modifyresponse.go.
 * @param raw names and values in turn, one character a byte
 */
export function responseHeaders(raw: readonly string[], context: ResponseContext): string[] {
  const headers: string[] = []
  const setCookies: string[] = []
  const connectionOnly = connectionHeaders(headerOf(raw, 'connection'))
  let hasRequestId = false
  let hasLength = false
  let trailer: string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const value = raw[i + 1] ?? ''
    const lower = name.toLowerCase()
    if (lower === 'trailer') trailer = value
    if (connectionOnly.has(lower)) continue
    if (lower === 'set-cookie') setCookies.push(value)
    else if (lower === 'x-vcap-request-id') hasRequestId = value !== ''
    else if (lower === 'content-length') hasLength = true
    headers.push(name, value)
  }
  if (!hasRequestId) headers.push('X-Vcap-Request-Id', context.requestId)
  // Trailers follow a chunked body only.
  if (trailer !== undefined && !hasLength) headers.push('Trailer', trailer)
  const { endpoint, stickyInstanceId, contextPath, config } = context
  const cookie = stickyCookie(setCookies, endpoint, stickyInstanceId, contextPath, config)
  if (cookie) headers.push('Set-Cookie', cookie)
  return headers
}

/** undici's raw headers as text of one character a byte, which is how node:http writes it again. */
export function latin1(raw: unknown): string[] {
  if (!Array.isArray(raw)) return []
  return raw.map((part: unknown) => (Buffer.isBuffer(part) ? part.toString('latin1') : String(part)))
}

function headerOf(raw: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < raw.length; i += 2) if (raw[i]?.toLowerCase() === name) return raw[i + 1]
  return undefined
}

import type { IncomingMessage } from 'node:http'
import type { RouterConfig } from '../config.ts'
import type { Endpoint } from '../routes/endpoint.ts'

const vcapId = '__VCAP_ID__'

/**
 * The instance that a client wants to stay with: the value of its __VCAP_ID__ cookie, if it also has one of the session cookies.
 * Source: gorouter handlers/helpers.go GetStickySession.
 */
export function stickyInstanceId(req: IncomingMessage, config: RouterConfig): string | undefined {
  const header = req.headers.cookie
  if (!header?.includes(vcapId)) return undefined
  let instanceId: string | undefined
  let hasSession = false
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const name = pair.slice(0, equals).trim()
    if (name === vcapId) instanceId ??= unquoted(pair.slice(equals + 1).trim())
    else if (config.stickySessionCookieNames.includes(name)) hasSession = true
  }
  return hasSession ? instanceId : undefined
}

/**
 * The __VCAP_ID__ cookie for a response, or undefined if it needs none: it gets one when it sets a session cookie, whose life and
 * flags it shares, or when the wanted instance was not there and another one answered. A cookie set by the app itself stays.
 * Source: gorouter proxy/round_tripper/proxy_round_tripper.go setupStickySession.
 */
export function stickyCookie(
  setCookies: readonly string[],
  endpoint: Endpoint,
  wantedInstanceId: string | undefined,
  contextPath: string,
  config: RouterConfig,
): string | undefined {
  if (endpoint.instanceId === '' || setCookies.some((cookie) => nameOf(cookie) === vcapId)) return undefined
  const session = setCookies.find((cookie) => config.stickySessionCookieNames.includes(nameOf(cookie)))
  if (!session && (wantedInstanceId === undefined || wantedInstanceId === endpoint.instanceId)) return undefined
  const shared =
    session
      ?.split(';')
      .slice(1)
      .map((attribute) => attribute.trim()) ?? []
  const attributes = shared.filter(isShared)
  if (config.secureCookies && !attributes.some((attribute) => /^secure$/i.test(attribute))) attributes.push('Secure')
  return [`${vcapId}=${endpoint.instanceId}`, `Path=${contextPath}`, 'HttpOnly', ...attributes].join('; ')
}

/** Max-Age counts only where it ends the session: a longer life than the browser's is not for the router to grant. */
function isShared(attribute: string): boolean {
  const maxAge = /^max-age=(-?\d+)$/i.exec(attribute)
  if (maxAge) return Number(maxAge[1]) <= 0
  return /^(expires=|secure$|samesite|partitioned$)/i.test(attribute)
}

function nameOf(cookie: string): string {
  return cookie.slice(0, Math.max(cookie.indexOf('='), 0)).trim()
}

function unquoted(value: string): string {
  return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value
}

import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export const requestIdHeader = 'X-VCAP-Request-ID'
const longestPrefix = 255

/**
 * The id that is carried through threads, jobs and logs, and answered as X-VCAP-Request-ID: an incoming one is kept as prefix
 * `<in>::<new uuid>` (semantics, section 1).
 */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const incoming = headers['x-vcap-request-id'] ?? headers['x-request-id']
  const prefix = String(incoming ?? '')
    .replace(/[^\w-]/g, '')
    .slice(0, longestPrefix)
  return prefix === '' ? randomUUID() : `${prefix}::${randomUUID()}`
}

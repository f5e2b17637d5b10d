import { quote } from './quote.ts'

/** What is known about a request when its response has been sent, or has failed. */
export interface AccessRecord {
  readonly host: string
  readonly method: string
  readonly uri: string
  readonly httpVersion: string
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly responseTimeInSeconds: number
  /** Time spent in the router itself; undefined when no endpoint answered. */
  readonly routerTimeInSeconds: number | undefined
  readonly status: number
  readonly requestBytes: number
  readonly responseBytes: number
  readonly referer: string
  readonly userAgent: string
  readonly remoteAddress: string
  readonly backendAddress: string
  readonly forwardedFor: string
  readonly forwardedProto: string
  readonly requestId: string
  readonly appGuid: string
  readonly instanceIndex: string
  readonly instanceId: string
  /** Value of X-Cf-RouterError, or empty. */
  readonly routerError: string
}

const headerLimitInCharacters = 1000
const uriLimitInCharacters = 20_000

/** One line of gorouter's access log. Source: gorouter accesslog/schema/access_log_record.go, docs/03-gorouter-access-log (the same fields in the same order). */
export function formatAccessRecord(record: AccessRecord): string {
  const uri = shorten(record.uri, 'REQUEST-URI', uriLimitInCharacters)
  const header = (name: string, value: string) => orDash(shorten(value, name, headerLimitInCharacters))
  return [
    `${record.host} - [${timestamp(record.receivedAt)}]`,
    quote(`${record.method} ${uri} HTTP/${record.httpVersion}`),
    record.status === 0 ? '"-"' : record.status,
    record.requestBytes,
    record.responseBytes,
    header('REFERER', record.referer),
    header('USER-AGENT', record.userAgent),
    orDash(record.remoteAddress),
    orDash(record.backendAddress),
    `x_forwarded_for:${header('X-FORWARDED-FOR', record.forwardedFor)}`,
    `x_forwarded_proto:${header('X-FORWARDED-PROTO', record.forwardedProto)}`,
    `vcap_request_id:${orDash(record.requestId)}`,
    `response_time:${record.responseTimeInSeconds.toFixed(6)}`,
    `gorouter_time:${record.routerTimeInSeconds?.toFixed(6) ?? '"-"'}`,
    `app_id:${orDash(record.appGuid)}`,
    `app_index:${orDash(record.instanceIndex)}`,
    `instance_id:${orDash(record.instanceId)}`,
    `x_cf_routererror:${orDash(record.routerError)}`,
  ].join(' ')
}

function timestamp(epochInMilliseconds: number): string {
  // ISO to the millisecond, with gorouter's nine digits.
  return `${new Date(epochInMilliseconds).toISOString().slice(0, -1)}000000Z`
}

function orDash(value: string): string {
  return value === '' ? '"-"' : quote(value)
}

function shorten(value: string, name: string, limit: number): string {
  return value.length <= limit ? value : `${value.slice(0, limit)}...${name}-TOO-LONG-TO-LOG--TRUNCATED`
}

import { type ServerResponse, STATUS_CODES } from 'node:http'

/** An answer of the router itself. */
export interface RouterError {
  readonly status: number
  /** Value of X-Cf-RouterError. */
  readonly reason: string
  readonly message: string
  readonly cacheControl?: string
}

const briefly = 'public,max-age=2'
const never = 'no-cache, no-store'

/** Every error the router answers, with gorouter's words (handlers/lookup.go, proxy/round_tripper/error_handler.go). */
export const routerErrors = {
  emptyHost: (): RouterError => ({
    status: 400,
    reason: 'empty_host',
    message: 'Request had empty Host header',
    cacheControl: briefly,
  }),
  unknownRoute: (host: string): RouterError => ({
    status: 404,
    reason: 'unknown_route',
    message: `Requested route ('${host}') does not exist.`,
    cacheControl: never,
  }),
  unknownInstance: (description: string, host: string): RouterError => ({
    status: 400,
    reason: 'unknown_route',
    message: `Requested instance ${description} does not exist for route ('${host}')`,
    cacheControl: never,
  }),
  invalidAppInstance: (): RouterError => ({
    status: 400,
    reason: 'invalid_cf_app_instance_header',
    message: 'Invalid X-CF-App-Instance Header',
    cacheControl: never,
  }),
  invalidProcessInstance: (): RouterError => ({
    status: 400,
    reason: 'invalid_cf_process_instance_header',
    message: 'Invalid X-CF-Process-Instance Header',
    cacheControl: never,
  }),
  noEndpoints: (host: string): RouterError => ({
    status: 503,
    reason: 'no_endpoints',
    message: `Requested route ('${host}') has no available endpoints.`,
    cacheControl: briefly,
  }),
  connectionLimit: (host: string): RouterError => ({
    status: 503,
    reason: 'Connection Limit Reached',
    message: `Requested route ('${host}') has reached the connection limit.`,
  }),
  routeServicesDisabled: (): RouterError => ({
    status: 502,
    reason: 'route_service_unsupported',
    message: 'Support for route services is disabled.',
  }),
  badRequest: (): RouterError => ({ status: 400, reason: 'bad_request', message: 'Request cannot be forwarded.' }),
  endpointFailure: (cause: string): RouterError => ({
    status: 502,
    reason: `endpoint_failure (${cause})`,
    message: 'Registered endpoint failed to handle the request.',
  }),
  starting: (): RouterError => ({ status: 503, reason: 'starting', message: 'The router is starting.' }),
}

/** Answers with an error as gorouter's errorwriter does: `404 Not Found: …` and a line end, as plain text. */
export function writeRouterError(res: ServerResponse, error: RouterError, requestId: string): void {
  const body = `${error.status} ${STATUS_CODES[error.status]}: ${error.message}\n`
  const headers: Record<string, string | number> = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'X-Cf-RouterError': printable(error.reason),
    'X-Content-Type-Options': 'nosniff',
    'X-Vcap-Request-Id': requestId,
  }
  if (error.cacheControl) headers['Cache-Control'] = error.cacheControl
  res.writeHead(error.status, headers).end(body)
}

/** What may stand in a header. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ')
}

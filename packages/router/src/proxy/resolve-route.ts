import type { IncomingMessage } from 'node:http'
import type { EndpointPool } from '../routes/endpoint-pool.ts'
import type { RouteTable } from '../routes/route-table.ts'
import { type RouterError, routerErrors } from './router-error.ts'

export type Resolved = { readonly pool: EndpointPool } | { readonly error: RouterError }

const guid = /[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}/.source
const appInstance = new RegExp(`^(${guid}):(\\d+)$`)
const processInstance = new RegExp(`^(${guid})(?::(\\d+))?$`)

/**
 * The endpoints that may serve a request, or why there are none.
 * `X-Cf-App-Instance: <app guid>:<index>` and `X-Cf-Process-Instance: <process guid>[:<index>]` choose among them.
 * Source: gorouter handlers/lookup.go.
 * @param host the Host header as the client sent it  @param path starts with a slash
 */
export function resolveRoute(routes: RouteTable, req: IncomingMessage, host: string, path: string): Resolved {
  const name = withoutPort(host)
  // A load balancer that has no Host to pass on puts its own address there.
  if (name === '' || name === withoutPrefix(req.socket.remoteAddress ?? '')) return { error: routerErrors.emptyHost() }
  const pool = routes.lookup(name, path)
  const byApp = single(req.headers['x-cf-app-instance'])
  if (byApp) return chooseByApp(pool, byApp, host)
  const byProcess = single(req.headers['x-cf-process-instance'])
  if (byProcess) return chooseByProcess(pool, byProcess, host)
  return pool ? checked(pool, host) : { error: routerErrors.unknownRoute(host) }
}

function chooseByApp(pool: EndpointPool | undefined, header: string, host: string): Resolved {
  const [, app, index] = appInstance.exec(header) ?? []
  if (app === undefined) return { error: routerErrors.invalidAppInstance() }
  const chosen = pool?.narrowedTo((e) => e.appGuid === app && e.instanceIndex === index)
  return chosen
    ? checked(chosen, host)
    : { error: routerErrors.unknownInstance(`('${index}') with guid ('${app}')`, host) }
}

function chooseByProcess(pool: EndpointPool | undefined, header: string, host: string): Resolved {
  const [, process, index] = processInstance.exec(header) ?? []
  if (process === undefined) return { error: routerErrors.invalidProcessInstance() }
  const chosen = pool?.narrowedTo(
    (e) => e.tags.process_id === process && (index === undefined || e.instanceIndex === index),
  )
  const which = index === undefined ? '' : `('${index}') `
  return chosen
    ? checked(chosen, host)
    : { error: routerErrors.unknownInstance(`${which}with process guid ('${process}')`, host) }
}

function checked(pool: EndpointPool, host: string): Resolved {
  if (pool.isEmpty) return { error: routerErrors.noEndpoints(host) }
  if (pool.isOverloaded) return { error: routerErrors.connectionLimit(host) }
  // To go round the service could mean to go round what protects the app.
  if (pool.routeServiceUrl) return { error: routerErrors.routeServicesDisabled() }
  return { pool }
}

function withoutPort(host: string): string {
  const colon = host.indexOf(':')
  return colon < 0 ? host : host.slice(0, colon)
}

/** An IPv4 address, also when the socket shows it as IPv6. */
function withoutPrefix(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

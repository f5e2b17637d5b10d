import type { ManifestRoute, ManifestRoutes } from '../../actions/manifests/app-manifest.ts'
import type { DestinationProtocol } from '../../actions/route-destinations.ts'
import type { RouteOptions } from '../../actions/route-options.ts'
import { printed } from '../kit/words.ts'
import { isGiven } from './process-attributes.ts'
import { routeOptionFaults } from './route-options.ts'
import { parseRouteUrl } from './route-url.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

export interface ReadRoutes {
  readonly faults: readonly string[]
  readonly routes: ManifestRoutes
}

const protocols: readonly unknown[] = ['http1', 'http2', 'tcp'] satisfies DestinationProtocol[]

/** Routes of an app's manifest. Source: cloud_controller_ng app/messages/manifest_routes_update_message.rb. */
export function readRoutes(app: YamlMapping, { allowsHash }: { allowsHash: boolean }): ReadRoutes {
  const list = 'routes' in app ? routeList(app.routes) : undefined
  const faults = [
    ...(list ? [] : 'routes' in app ? ['Routes must be a list of route objects'] : []),
    ...(list ?? []).filter(({ url }) => !url).map(({ text }) => `The route '${text}' is not a properly formed URL`),
    ...(list ?? [])
      .filter(({ raw }) => isGiven(raw.protocol) && !protocols.includes(raw.protocol))
      .map(() => "Route protocol must be 'http1', 'http2' or 'tcp'."),
    ...routeOptionFaults(list ?? [], { allowsHash }),
    ...booleanFaults('No-route', app.no_route),
    ...booleanFaults('Default-route', app.default_route),
    ...booleanFaults('Random-route', app.random_route),
    ...(app.random_route && app.default_route ? ['Random-route and default-route may not be used together'] : []),
  ]
  return {
    faults,
    routes: {
      noRoute: app.no_route === true,
      randomRoute: app.random_route === true,
      defaultRoute: app.default_route === true,
      ...(list && { routes: list.flatMap(routeOf) }),
    },
  }
}

/** A route as it is written. */
export interface ListedRoute {
  readonly text: string
  readonly raw: YamlMapping
  readonly url: ReturnType<typeof parseRouteUrl>
}

function routeList(routes: unknown): ListedRoute[] | undefined {
  if (!Array.isArray(routes) || !routes.every(isNamedRoute)) return undefined
  return routes.map((raw) => ({ raw, text: printed(raw.route), url: parseRouteUrl(printed(raw.route)) }))
}

const isNamedRoute = (route: unknown): route is YamlMapping =>
  isMapping(route) && isGiven(route.route) && printed(route.route).trim() !== ''

function routeOf({ text, raw, url }: ListedRoute): ManifestRoute[] {
  if (!url) return []
  return [
    {
      ...url,
      text,
      protocol: isGiven(raw.protocol) ? (raw.protocol as DestinationProtocol) : null,
      ...(isMapping(raw.options) && { options: raw.options as RouteOptions }),
    },
  ]
}

const booleanFaults = (words: string, value: unknown): string[] =>
  isGiven(value) && typeof value !== 'boolean' ? [`${words} must be a boolean`] : []

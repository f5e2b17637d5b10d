export interface RouteUrl {
  /** Host and domain, still together. */
  readonly urlHost: string
  readonly port: number | null
  readonly path: string
}

const webSchemes = ['http', 'https']
const url = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#:@\s]+)(?::(\d+))?(\/[^?#]*)?(?:[?#].*)?$/i

/**
 * Reads the URL of a route: `host.domain/path` with or without http(s), or `domain:port` with or without tcp. Undefined when
 * it is none. Without a scheme there must be a dot. Source: cloud_controller_ng lib/cloud_controller/app_manifest/manifest_route.rb.
 */
export function parseRouteUrl(text: string): RouteUrl | undefined {
  const [, scheme, urlHost, port, path = ''] = url.exec(text) ?? []
  if (urlHost === undefined) return undefined
  if (scheme === undefined && !urlHost.includes('.')) return undefined
  if (scheme !== undefined && !(port === undefined ? webSchemes : ['tcp']).includes(scheme.toLowerCase()))
    return undefined
  return { urlHost, port: port === undefined ? null : Number(port), path }
}

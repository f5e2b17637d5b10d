/** A route's URI, taken apart: what register, unregister and look-up compare. */
export interface RouteKey {
  readonly host: string
  /** Without the leading slash; no segments for a route without a path. */
  readonly segments: readonly string[]
}

/**
 * Normalizes a registered URI or the host and path of a request. Case does not matter, not even in the path; a query is cut off
 * and one trailing slash is ignored. Source: gorouter route/uris.go, registry/container/trie.go.
 */
export function routeKey(uri: string): RouteKey {
  const query = uri.indexOf('?')
  let key = (query < 0 ? uri : uri.slice(0, query)).toLowerCase()
  if (key.endsWith('/')) key = key.slice(0, -1)
  const [host = '', ...segments] = key.split('/')
  return { host, segments }
}

/** The wildcard hosts that match a host, the most specific first: a.b.c gives *.b.c and *.c. */
export function* wildcardHosts(host: string): Generator<string> {
  let rest = host.startsWith('*.') ? host.slice(2) : host
  for (let dot = rest.indexOf('.'); dot >= 0; dot = rest.indexOf('.')) {
    rest = rest.slice(dot + 1)
    yield `*.${rest}`
  }
}

export function uriOf({ host, segments }: RouteKey): string {
  return [host, ...segments].join('/')
}

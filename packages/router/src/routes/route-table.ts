import type { RouterRegistration } from '@vcap/protocol'
import { addressOf, type Endpoint, endpointDetails, type LoadBalancing } from './endpoint.ts'
import { EndpointPool } from './endpoint-pool.ts'
import { type RouteKey, routeKey, uriOf, wildcardHosts } from './route-key.ts'

export interface RouteTableOptions {
  readonly loadBalancing: LoadBalancing
  readonly maxConnectionsPerBackend: number
  readonly pruneThresholdInSeconds: number
  readonly emptyPoolTimeoutInSeconds: number
  /** Called when the last route of an address has gone: nothing will connect to it again. */
  readonly onAddressGone?: (address: string) => void
}

/** A segment of a path, under the host as the root. A tree, so that a look-up costs one step a segment, however long the path. */
interface Node {
  pool: EndpointPool | undefined
  readonly children: Map<string, Node>
}

/** Which endpoints serve which URI. Source of the rules: gorouter registry/registry.go and registry/container/trie.go. */
export class RouteTable {
  /** Milliseconds of `performance.now()`, undefined before the first registration. */
  lastUpdatedAt: number | undefined
  readonly #hosts = new Map<string, Node>()
  readonly #routesOfAddress = new Map<string, number>()
  readonly #options: RouteTableOptions

  constructor(options: RouteTableOptions) {
    this.#options = options
  }

  register(message: RouterRegistration): void {
    const details = endpointDetails(message, this.#options.pruneThresholdInSeconds)
    const address = addressOf(details)
    for (const uri of message.uris) {
      const pool = this.#poolFor(routeKey(uri))
      if (pool.put(details) === 'added') {
        this.#routesOfAddress.set(address, (this.#routesOfAddress.get(address) ?? 0) + 1)
      }
      pool.routeServiceUrl = message.route_service_url || undefined
      const algorithm = message.options?.loadbalancing
      if (algorithm === 'round-robin' || algorithm === 'least-connection') pool.loadBalancing = algorithm
    }
    this.lastUpdatedAt = performance.now()
  }

  unregister(message: RouterRegistration): void {
    const address = addressOf(message)
    for (const uri of message.uris) {
      const key = routeKey(uri)
      if (this.#find(key)?.pool?.remove(address)) this.#routeOfAddressGone(address)
      this.#dropIfForgotten(key)
    }
  }

  /**
   * The pool of the longest registered path prefix on this host, or on the most specific wildcard host.
   * A pool with endpoints wins over a longer prefix without; an empty pool means a route that was known a moment ago.
   * @param host without port  @param path escaped, may carry a query
   */
  lookup(host: string, path: string): EndpointPool | undefined {
    const key = routeKey(host + path)
    const exact = this.#longestMatch(key)
    if (exact) return exact
    for (const wildcard of wildcardHosts(key.host)) {
      const match = this.#longestMatch({ host: wildcard, segments: key.segments })
      if (match) return match
    }
    return undefined
  }

  /** Forgets endpoints that fell silent and routes that stayed empty. Returns the URIs with the endpoints they lost. */
  prune(): { uri: string; endpoints: readonly Endpoint[] }[] {
    const pruned: { uri: string; endpoints: readonly Endpoint[] }[] = []
    for (const [key, pool] of [...this.#pools()]) {
      const endpoints = pool.prune()
      for (const endpoint of endpoints) this.#routeOfAddressGone(endpoint.address)
      if (endpoints.length > 0) pruned.push({ uri: uriOf(key), endpoints })
      this.#dropIfForgotten(key)
    }
    return pruned
  }

  /** Counts every endpoint as registered now: after an outage of the bus nobody could have registered again. */
  refresh(): void {
    for (const [, pool] of this.#pools()) pool.refresh()
  }

  entries(): { uri: string; pool: EndpointPool }[] {
    return [...this.#pools()].map(([key, pool]) => ({ uri: uriOf(key), pool }))
  }

  #poolFor(key: RouteKey): EndpointPool {
    let node = childOf(this.#hosts, key.host)
    for (const segment of key.segments) node = childOf(node.children, segment)
    node.pool ??= new EndpointPool({
      host: key.host,
      contextPath: `/${key.segments.join('/')}`,
      loadBalancing: this.#options.loadBalancing,
      maxConnectionsPerBackend: this.#options.maxConnectionsPerBackend,
      retryAfterFailureInSeconds: this.#options.pruneThresholdInSeconds / 4,
    })
    return node.pool
  }

  #find(key: RouteKey): Node | undefined {
    let node = this.#hosts.get(key.host)
    for (const segment of key.segments) node = node?.children.get(segment)
    return node
  }

  #longestMatch(key: RouteKey): EndpointPool | undefined {
    let node = this.#hosts.get(key.host)
    let best: EndpointPool | undefined
    let empty: EndpointPool | undefined
    for (let depth = 0; node; depth++) {
      if (node.pool && !node.pool.isEmpty) best = node.pool
      else if (node.pool && !this.#isForgotten(node.pool)) empty = node.pool
      const segment = key.segments[depth]
      node = segment === undefined ? undefined : node.children.get(segment)
    }
    return best ?? empty
  }

  #isForgotten(pool: EndpointPool): boolean {
    return pool.isEmpty && performance.now() - pool.updatedAt >= this.#options.emptyPoolTimeoutInSeconds * 1000
  }

  #dropIfForgotten(key: RouteKey): void {
    const path: { parent: Map<string, Node>; name: string; node: Node }[] = []
    let parent = this.#hosts
    for (const name of [key.host, ...key.segments]) {
      const node = parent.get(name)
      if (!node) return
      path.push({ parent, name, node })
      parent = node.children
    }
    const leaf = path.at(-1)
    if (!leaf?.node.pool || !this.#isForgotten(leaf.node.pool)) return
    leaf.node.pool = undefined
    for (const { parent, name, node } of path.reverse()) {
      if (node.pool || node.children.size > 0) return
      parent.delete(name)
    }
  }

  #routeOfAddressGone(address: string): void {
    const left = (this.#routesOfAddress.get(address) ?? 1) - 1
    if (left > 0) {
      this.#routesOfAddress.set(address, left)
      return
    }
    this.#routesOfAddress.delete(address)
    this.#options.onAddressGone?.(address)
  }

  *#pools(): Generator<[RouteKey, EndpointPool]> {
    const walk = function* (host: string, segments: string[], node: Node): Generator<[RouteKey, EndpointPool]> {
      if (node.pool) yield [{ host, segments }, node.pool]
      for (const [segment, child] of node.children) yield* walk(host, [...segments, segment], child)
    }
    for (const [host, node] of this.#hosts) yield* walk(host, [], node)
  }
}

function childOf(nodes: Map<string, Node>, name: string): Node {
  const known = nodes.get(name)
  if (known) return known
  const node: Node = { pool: undefined, children: new Map() }
  nodes.set(name, node)
  return node
}

import { addressOf, type Endpoint, type EndpointDetails, type LoadBalancing } from './endpoint.ts'

export interface PoolOptions {
  readonly host: string
  /** Path of the route, `/` for none: the Path of its sticky session cookies. */
  readonly contextPath: string
  readonly loadBalancing: LoadBalancing
  readonly maxConnectionsPerBackend: number
  /** How long an endpoint that failed is avoided. */
  readonly retryAfterFailureInSeconds: number
}

/** The endpoints of one route. */
export class EndpointPool {
  readonly host: string
  readonly contextPath: string
  loadBalancing: LoadBalancing
  /** A route service that requests would have to pass first. */
  routeServiceUrl: string | undefined
  /** Milliseconds of `performance.now()` when an endpoint last came, was refreshed or went. */
  updatedAt = performance.now()
  readonly #endpoints: Endpoint[] = []
  readonly #options: PoolOptions
  #nextIndex: number | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.host = options.host
    this.contextPath = options.contextPath
    this.loadBalancing = options.loadBalancing
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  get isEmpty(): boolean {
    return this.#endpoints.length === 0
  }

  /** Whether every endpoint has as many requests as it may have. */
  get isOverloaded(): boolean {
    return !this.isEmpty && this.#endpoints.every((endpoint) => this.#isOverloaded(endpoint))
  }

  /** Adds an endpoint, or refreshes the one at the same address. */
  put(details: EndpointDetails): 'added' | 'refreshed' {
    this.updatedAt = performance.now()
    const address = addressOf(details)
    const known = this.#endpoints.find((endpoint) => endpoint.address === address)
    if (known) {
      Object.assign(known, details, { registeredAt: this.updatedAt })
      return 'refreshed'
    }
    this.#endpoints.push({
      ...details,
      address,
      registeredAt: this.updatedAt,
      failedAt: undefined,
      openRequests: 0,
    })
    return 'added'
  }

  /** Removes the endpoint at an address, whichever app registered it. */
  remove(address: string): boolean {
    const index = this.#endpoints.findIndex((endpoint) => endpoint.address === address)
    if (index < 0) return false
    this.#endpoints.splice(index, 1)
    this.updatedAt = performance.now()
    return true
  }

  /** Removes the endpoints that were not registered again in time, and returns them. */
  prune(): readonly Endpoint[] {
    const now = performance.now()
    const stale = this.#endpoints.filter((e) => now - e.registeredAt > e.staleThresholdInSeconds * 1000)
    for (const endpoint of stale) this.remove(endpoint.address)
    return stale
  }

  /** Counts every endpoint as registered now. */
  refresh(): void {
    const now = performance.now()
    for (const endpoint of this.#endpoints) endpoint.registeredAt = now
  }

  /**
   * A pool of only the endpoints that match, for a request that names its instance. It shares them with this one.
   * Undefined when none matches.
   */
  narrowedTo(matches: (endpoint: Endpoint) => boolean): EndpointPool | undefined {
    const chosen = this.#endpoints.filter(matches)
    if (chosen.length === 0) return undefined
    const pool = new EndpointPool({ ...this.#options, loadBalancing: this.loadBalancing })
    pool.routeServiceUrl = this.routeServiceUrl
    pool.#endpoints.push(...chosen)
    return pool
  }

  withInstanceId(instanceId: string): Endpoint | undefined {
    const endpoint = this.#endpoints.find((e) => e.instanceId === instanceId)
    return endpoint && !this.#isOverloaded(endpoint) ? endpoint : undefined
  }

  /**
   * The endpoint for the next attempt, other than those already tried; undefined when none is left.
   * An endpoint that failed is avoided for a while, unless all others failed too.
   */
  next(tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    if (this.isEmpty) return undefined
    return this.#pick(tried, true) ?? this.#pick(tried, false)
  }

  #pick(tried: ReadonlySet<Endpoint>, onlyHealthy: boolean): Endpoint | undefined {
    const usable = (endpoint: Endpoint) =>
      !tried.has(endpoint) && !this.#isOverloaded(endpoint) && !(onlyHealthy && this.#isAvoided(endpoint))
    return this.loadBalancing === 'least-connection' ? this.#leastConnection(usable) : this.#roundRobin(usable)
  }

  #roundRobin(usable: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const size = this.#endpoints.length
    // A random start: routers that start together shall not all begin with the same endpoint.
    const start = (this.#nextIndex ?? Math.floor(Math.random() * size)) % size
    for (let step = 0; step < size; step++) {
      const index = (start + step) % size
      const endpoint = this.#endpoints[index]
      if (endpoint && usable(endpoint)) {
        this.#nextIndex = index + 1
        return endpoint
      }
    }
    return undefined
  }

  #leastConnection(usable: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    let chosen: Endpoint | undefined
    let equals = 0
    for (const endpoint of this.#endpoints) {
      if (!usable(endpoint) || (chosen && endpoint.openRequests > chosen.openRequests)) continue
      equals = chosen?.openRequests === endpoint.openRequests ? equals + 1 : 1
      // Each of the equally busy ones is as likely as the other.
      if (Math.random() * equals < 1) chosen = endpoint
    }
    return chosen
  }

  #isAvoided(endpoint: Endpoint): boolean {
    if (endpoint.failedAt === undefined) return false
    if (performance.now() - endpoint.failedAt <= this.#options.retryAfterFailureInSeconds * 1000) return true
    endpoint.failedAt = undefined
    return false
  }

  #isOverloaded(endpoint: Endpoint): boolean {
    const limit = this.#options.maxConnectionsPerBackend
    return limit > 0 && endpoint.openRequests >= limit
  }
}

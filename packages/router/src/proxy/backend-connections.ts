import { createRequire } from 'node:module'
import type { Pool } from 'undici'
import type { RouterConfig } from '../config.ts'

// undici's own entry also loads fetch, caches, WebSockets and mocks: 13 MiB and 30 ms more for a process that needs none of it.
const UndiciPool = createRequire(import.meta.url)('undici/lib/dispatcher/pool.js') as typeof Pool

/** Kept-alive connections to endpoints, one pool an address, shared by all routes that lead there. */
export class BackendConnections {
  readonly #pools = new Map<string, Pool>()
  readonly #config: RouterConfig

  constructor(config: RouterConfig) {
    this.#config = config
  }

  /** @param address `host:port` */
  to(address: string): Pool {
    let pool = this.#pools.get(address)
    if (!pool) {
      const { endpointTimeoutInSeconds, endpointDialTimeoutInSeconds, endpointIdleTimeoutInSeconds } = this.#config
      pool = new UndiciPool(`http://${address}`, {
        allowH2: false,
        // One request at a time on a connection: an answer never waits behind another's.
        pipelining: 1,
        connect: { timeout: endpointDialTimeoutInSeconds * 1000 },
        headersTimeout: endpointTimeoutInSeconds * 1000,
        bodyTimeout: endpointTimeoutInSeconds * 1000,
        keepAliveTimeout: endpointIdleTimeoutInSeconds * 1000,
        // Past its use, what a pool keeps of a connection goes too, so a burst leaves nothing behind.
        clientTtl: 60_000,
        maxHeaderSize: this.#config.maxHeaderSizeInBytes,
      })
      this.#pools.set(address, pool)
    }
    return pool
  }

  /** Forgets an address: requests in flight finish, then its connections close. */
  release(address: string): void {
    const pool = this.#pools.get(address)
    if (!pool) return
    this.#pools.delete(address)
    void pool.close()
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }
}

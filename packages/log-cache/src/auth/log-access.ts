import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { LogCacheConfig } from '../config.ts'
import { ExpiringCache } from './expiring-cache.ts'
import type { Reader } from './token-reader.ts'
import { UpstreamError } from './upstream-error.ts'

const maxCachedAnswers = 10_000

const Page = z.object({
  pagination: z.object({ next: z.object({ href: z.string() }).nullish() }),
  resources: z.array(z.object({ guid: z.string() })),
})

type Options = Pick<
  LogCacheConfig,
  'cloudControllerUrl' | 'accessGrantedInSeconds' | 'accessDeniedInSeconds' | 'upstreamTimeoutInSeconds'
>

/**
 * Asks the Cloud Controller, in the reader's own name, which sources the reader may read: apps and service instances.
 * Source: log-cache-release src/internal/auth/capi_client.go, cloud_controller_ng app/controllers/internal/log_access_controller.rb.
 */
export class LogAccess {
  readonly #options: Options
  readonly #answers = new ExpiringCache<boolean>(maxCachedAnswers)

  constructor(options: Options) {
    this.#options = options
  }

  /** Throws UpstreamError when the Cloud Controller does not answer. */
  async mayRead(reader: Reader, sourceId: string): Promise<boolean> {
    if (reader.seesAll) return true
    // Only what can be a guid: `..` would ask for something else.
    if (!/^[\w-]+$/.test(sourceId)) return false
    const key = `${sourceId} ${createHash('sha256').update(reader.authorization).digest('base64')}`
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const allowed =
      (await this.#exists(reader, `/internal/v4/log_access/${sourceId}`)) ||
      (await this.#exists(reader, `/v3/service_instances/${sourceId}`))
    const { accessGrantedInSeconds, accessDeniedInSeconds } = this.#options
    this.#answers.set(key, allowed, allowed ? accessGrantedInSeconds : accessDeniedInSeconds)
    return allowed
  }

  /** Guids of all apps and service instances that the reader sees. Throws UpstreamError when the Cloud Controller does not answer. */
  async readableSources(reader: Reader): Promise<ReadonlySet<string>> {
    const lists = await Promise.all(['apps', 'service_instances'].map((type) => this.#guids(reader, type)))
    return new Set(lists.flat())
  }

  async #exists(reader: Reader, path: string): Promise<boolean> {
    const response = await this.#get(reader, path)
    await response.body?.cancel()
    if (response.ok) return true
    if (response.status < 500) return false
    throw new UpstreamError(`Cloud Controller answered ${response.status} to ${path}`)
  }

  async #guids(reader: Reader, type: string): Promise<string[]> {
    const guids: string[] = []
    let path: string | undefined = `/v3/${type}?per_page=5000`
    while (path !== undefined) {
      const response = await this.#get(reader, path)
      if (response.status >= 500) throw new UpstreamError(`Cloud Controller answered ${response.status} to ${path}`)
      // A Cloud Controller may know no service instances, or not this reader.
      if (!response.ok) return guids
      const { pagination, resources } = Page.parse(await response.json())
      guids.push(...resources.map(({ guid }) => guid))
      // The link names the public address, which need not be reachable from here.
      const next: URL | undefined = pagination.next ? new URL(pagination.next.href) : undefined
      path = next && next.pathname + next.search
    }
    return guids
  }

  async #get(reader: Reader, path: string): Promise<Response> {
    try {
      return await fetch(new URL(path, this.#options.cloudControllerUrl), {
        headers: { Authorization: reader.authorization },
        signal: AbortSignal.timeout(this.#options.upstreamTimeoutInSeconds * 1000),
        redirect: 'error',
      })
    } catch (error) {
      throw new UpstreamError(`Cloud Controller does not answer ${path}`, { cause: error })
    }
  }
}

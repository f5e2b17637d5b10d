import { z } from 'zod'
import type { LogCacheConfig } from '../config.ts'
import { UpstreamError } from './upstream-error.ts'

type Options = Pick<LogCacheConfig, 'uaaUrl' | 'upstreamTimeoutInSeconds' | 'tokenKeyCooldownInSeconds'>

const Configuration = z.object({ issuer: z.string() })

/**
 * What UAA calls itself in its tokens. Asked for when first needed, and again, though not at every turn, for a token that names another.
 * Source: cloud_controller_ng lib/cloud_controller/uaa/uaa_token_decoder.rb.
 */
export class UaaIssuer {
  readonly #options: Options
  #known: string | undefined
  /** Milliseconds of `performance.now()`. */
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<string> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** Throws UpstreamError when UAA does not say. */
  async is(issuer: string): Promise<boolean> {
    if (issuer === this.#known) return true
    const isCoolingDown = performance.now() - this.#askedAt < this.#options.tokenKeyCooldownInSeconds * 1000
    if (this.#known !== undefined && isCoolingDown) return false
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return issuer === (await this.#asking)
  }

  async #ask(): Promise<string> {
    const { uaaUrl, upstreamTimeoutInSeconds } = this.#options
    try {
      const response = await fetch(new URL('/.well-known/openid-configuration', uaaUrl), {
        signal: AbortSignal.timeout(upstreamTimeoutInSeconds * 1000),
      })
      if (!response.ok) throw new Error(`UAA answered ${response.status}`)
      this.#known = Configuration.parse(await response.json()).issuer
      this.#askedAt = performance.now()
      return this.#known
    } catch (error) {
      throw new UpstreamError('UAA does not say what it is called', { cause: error })
    }
  }
}

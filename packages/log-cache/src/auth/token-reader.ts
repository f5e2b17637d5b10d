import { cloudControllerAudience } from '@vcap/protocol'
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { LogCacheConfig } from '../config.ts'
import { UaaIssuer } from './uaa-issuer.ts'
import { UpstreamError } from './upstream-error.ts'

/** Whoever reads: the token as it goes to the Cloud Controller, and whether it opens the logs of all. */
export interface Reader {
  /** Value of the Authorization header. */
  readonly authorization: string
  readonly seesAll: boolean
}

type Options = Pick<LogCacheConfig, 'uaaUrl' | 'upstreamTimeoutInSeconds' | 'tokenKeyCooldownInSeconds'>

const Claims = z.object({ iss: z.string(), jti: z.string(), scope: z.array(z.string()).default([]) })

/** How UAA marks the ids of refresh tokens, which it signs with the same keys for the same audience. */
const refreshTokenMark = '-r'

/**
 * Scopes that open every log: log-cache's own (log-cache-release src/internal/auth/uaa_client.go) and those with which the Cloud Controller
 * shows every app anyway.
 */
const allSeeing = new Set([
  'doppler.firehose',
  'logs.admin',
  'cloud_controller.admin',
  'cloud_controller.admin_read_only',
  'cloud_controller.global_auditor',
])

/**
 * Verifies bearer tokens against the keys of UAA, which are fetched when first needed and again for an unknown key, and against what
 * UAA calls itself: its other identity zones may sign with the same keys, and their admins give out any scope.
 */
export class TokenReader {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>
  readonly #issuer: UaaIssuer

  constructor({ uaaUrl, upstreamTimeoutInSeconds, tokenKeyCooldownInSeconds }: Options) {
    this.#issuer = new UaaIssuer({ uaaUrl, upstreamTimeoutInSeconds, tokenKeyCooldownInSeconds })
    this.#keys = createRemoteJWKSet(new URL('/token_keys', uaaUrl), {
      timeoutDuration: upstreamTimeoutInSeconds * 1000,
      cooldownDuration: tokenKeyCooldownInSeconds * 1000,
    })
  }

  /** Undefined for a header without a valid token. Throws UpstreamError when UAA can't be asked for its keys or its name. */
  async read(authorization: string | undefined): Promise<Reader | undefined> {
    const token = /^bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return undefined
    const payload = await this.#verify(token)
    const claims = Claims.safeParse(payload)
    if (!claims.success) return undefined
    const { iss, jti, scope } = claims.data
    if (jti.endsWith(refreshTokenMark) || !(await this.#issuer.is(iss))) return undefined
    return { authorization: `bearer ${token}`, seesAll: scope.some((name) => allSeeing.has(name)) }
  }

  async #verify(token: string): Promise<JWTPayload | undefined> {
    try {
      return await this.#verifyOnce(token)
    } catch (error) {
      // A new UAA may give its new key the old one's name.
      if (!(error instanceof errors.JWSSignatureVerificationFailed) || this.#keys.coolingDown) return refuse(error)
    }
    try {
      await this.#keys.reload()
      return await this.#verifyOnce(token)
    } catch (error) {
      return refuse(error)
    }
  }

  async #verifyOnce(token: string): Promise<JWTPayload> {
    const options = { algorithms: ['RS256'], audience: [cloudControllerAudience, 'doppler', 'logs'] }
    return (await jwtVerify(token, this.#keys, { ...options, requiredClaims: ['exp'] })).payload
  }
}

/** Undefined for what is wrong with the token; throws for what is wrong with UAA. */
function refuse(error: unknown): undefined {
  const isAboutToken =
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  if (isAboutToken) return undefined
  throw new UpstreamError('UAA gives no token keys', { cause: error })
}

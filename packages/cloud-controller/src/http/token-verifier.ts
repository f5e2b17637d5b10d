import { AccessTokenClaims, cloudControllerAudience } from '@vcap/protocol'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { ApiError, apiError } from '../errors/api-error.ts'

const TokenKeys = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })
const OpenIdConfiguration = z.object({ issuer: z.string() })
/** Keys and issuer are fetched again for a token that they don't fit, at most this often. */
const refetchIntervalInMilliseconds = 5_000
/** On a machine that is very busy a request thread that gives way to others may get next to nothing for some seconds. */
const requestTimeoutInMilliseconds = 30_000
const rememberedTokens = 1_000
/** How UAA marks the ids of refresh tokens, which it signs with the same keys for the same audience. */
const refreshTokenMark = '-r'

/** Claims of a token that was valid at a time (milliseconds since the epoch; now unless given). */
export type VerifyToken = (token: string, atMilliseconds?: number) => Promise<AccessTokenClaims>

/** By what UAA's tokens are known. */
interface Trust {
  readonly keys: JWTVerifyGetKey
  /** Identity zones of one UAA may sign with the same keys, and their admins give out any scope: tokens of the UAA's own zone count. */
  readonly issuer: string
}

/**
 * Verifies UAA's access tokens with the keys of its `/token_keys` and the issuer of its `/.well-known/openid-configuration`. A verified
 * token is remembered until it expires. Throws InvalidAuthToken (401/1000), or UaaUnavailable as 502 when UAA can't be asked.
 * Source: cloud_controller_ng lib/cloud_controller/uaa/uaa_token_decoder.rb.
 */
export function tokenVerifier(uaaUrl: string): VerifyToken {
  const known = new Map<string, AccessTokenClaims>()
  let trust: Trust | undefined
  let fetchedAt = 0

  async function verify(token: string, at: number): Promise<AccessTokenClaims> {
    trust ??= await refetch()
    try {
      return await check(token, trust, at)
    } catch (error) {
      if (!mayBeOutdated(error) || Date.now() - fetchedAt < refetchIntervalInMilliseconds) throw error
      trust = await refetch()
      return await check(token, trust, at)
    }
  }

  async function refetch(): Promise<Trust> {
    const [keys, { issuer }] = await Promise.all([
      fetchFrom(`${uaaUrl}/token_keys`, TokenKeys),
      fetchFrom(`${uaaUrl}/.well-known/openid-configuration`, OpenIdConfiguration),
    ])
    fetchedAt = Date.now()
    return { keys: createLocalJWKSet(keys as unknown as JSONWebKeySet), issuer }
  }

  return async (token, at = Date.now()) => {
    const remembered = known.get(token)
    if (remembered && remembered.exp * 1000 > at) return remembered
    try {
      const claims = await verify(token, at)
      if (known.size >= rememberedTokens) known.clear()
      known.set(token, claims)
      return claims
    } catch (cause) {
      if (cause instanceof ApiError) throw cause
      throw Object.assign(apiError('InvalidAuthToken'), { cause })
    }
  }
}

async function check(token: string, { keys, issuer }: Trust, at: number): Promise<AccessTokenClaims> {
  const { payload } = await jwtVerify(token, keys, {
    audience: cloudControllerAudience,
    issuer,
    algorithms: ['RS256', 'RS384', 'RS512'],
    currentDate: new Date(at),
  })
  const claims = AccessTokenClaims.parse(payload)
  if (claims.jti.endsWith(refreshTokenMark)) throw new Error('a refresh token is no access token')
  return claims
}

/** Whether a token may be good by what UAA says now. */
function mayBeOutdated(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss')
  )
}

async function fetchFrom<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(requestTimeoutInMilliseconds) })
    if (!response.ok) throw new Error(`UAA answered ${response.status} to ${url}`)
    return schema.parse(await response.json())
  } catch (cause) {
    const { bodies } = apiError('UaaUnavailable')
    throw new ApiError(502, bodies, { cause })
  }
}

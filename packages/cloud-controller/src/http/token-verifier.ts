import { AccessTokenClaims, cloudControllerAudience } from '@vcap/protocol'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { ApiError, apiError } from '../errors/api-error.ts'

const TokenKeys = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })
/** Keys are fetched again for a token that none of them made, at most this often. */
const refetchIntervalInMilliseconds = 5_000
/** On a machine that is very busy a request thread that gives way to others may get next to nothing for some seconds. */
const requestTimeoutInMilliseconds = 30_000
const rememberedTokens = 1_000
/** How UAA marks the ids of refresh tokens, which it signs with the same keys for the same audience. */
const refreshTokenMark = '-r'

/** Claims of a token that was valid at a time (milliseconds since the epoch; now unless given). */
export type VerifyToken = (token: string, atMilliseconds?: number) => Promise<AccessTokenClaims>

/**
 * Verifies UAA's access tokens with the keys of its `/token_keys`. A verified token is remembered until it expires.
 * Throws InvalidAuthToken (401/1000), or UaaUnavailable as 502 when the keys can't be had (semantics, section 1).
 * Source: cloud_controller_ng lib/cloud_controller/uaa/uaa_token_decoder.rb.
 */
export function tokenVerifier(uaaUrl: string): VerifyToken {
  const known = new Map<string, AccessTokenClaims>()
  let keys: JWTVerifyGetKey | undefined
  let fetchedAt = 0

  async function verify(token: string, at: number): Promise<AccessTokenClaims> {
    keys ??= await refetch()
    try {
      return await check(token, keys, at)
    } catch (error) {
      const unknownKey =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
      if (!unknownKey || Date.now() - fetchedAt < refetchIntervalInMilliseconds) throw error
      keys = await refetch()
      return await check(token, keys, at)
    }
  }

  async function refetch(): Promise<JWTVerifyGetKey> {
    const fetched = createLocalJWKSet(await fetchKeys(uaaUrl))
    fetchedAt = Date.now()
    return fetched
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

async function check(token: string, keys: JWTVerifyGetKey, at: number): Promise<AccessTokenClaims> {
  const { payload } = await jwtVerify(token, keys, {
    audience: cloudControllerAudience,
    algorithms: ['RS256', 'RS384', 'RS512'],
    currentDate: new Date(at),
  })
  const claims = AccessTokenClaims.parse(payload)
  if (claims.jti.endsWith(refreshTokenMark)) throw new Error('a refresh token is no access token')
  return claims
}

async function fetchKeys(uaaUrl: string): Promise<JSONWebKeySet> {
  try {
    const response = await fetch(`${uaaUrl}/token_keys`, { signal: AbortSignal.timeout(requestTimeoutInMilliseconds) })
    if (!response.ok) throw new Error(`UAA answered ${response.status} for its token keys`)
    return TokenKeys.parse(await response.json()) as unknown as JSONWebKeySet
  } catch (cause) {
    const { bodies } = apiError('UaaUnavailable')
    throw new ApiError(502, bodies, { cause })
  }
}

import { AccessTokenClaims } from '@vcap/protocol'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { UaaContext } from '../context.ts'
import { invalidToken } from '../errors.ts'
import type { Client } from '../store/clients.ts'
import type { User } from '../store/users.ts'
import { revocationSignature } from './revocation-signature.ts'
import { allowedScopes } from './scopes.ts'

const Claims = AccessTokenClaims.extend({
  grant_type: z.string(),
  rev_sig: z.string(),
  revocable: z.boolean().optional(),
})

/** Who asks. */
export interface Caller {
  readonly client: Client
  readonly user: User | null
  readonly scopes: ReadonlySet<string>
  readonly claims: JWTPayload
}

/**
 * Checks an access token as UAA does: signature, issuer, end, then that its client, its user and their rights are still
 * what they were. Throws UaaError 401 invalid_token (uaa: JwtTokenSignedByThisUAA.java).
 */
export async function verifyAccessToken(context: UaaContext, token: string): Promise<Caller> {
  const payload = await verifySignature(context, token)
  const parsed = Claims.safeParse(payload)
  if (!parsed.success) throw invalidToken('Invalid access token.')
  const claims = parsed.data
  const client = context.store.clients.find(claims.client_id)
  if (!client) throw invalidToken(`Invalid client ID ${claims.client_id}`)
  const user = claims.user_id === undefined ? null : requireActiveUser(context, claims.user_id)
  if (claims.rev_sig !== revocationSignature(context, client, user)) throw invalidToken('revocable signature mismatch')
  if (claims.revocable && !context.store.tokens.find(claims.jti)) {
    throw invalidToken(`The token has been revoked: ${claims.jti}`)
  }
  requireStillGranted(claims.scope, allowedScopes(context, client, user?.id ?? null))
  return { client, user, scopes: new Set(claims.scope), claims: payload }
}

/** Throws UaaError 401 for a user that was deleted or deactivated. */
export function requireActiveUser(context: UaaContext, userId: string): User {
  const user = context.store.users.find(userId)
  if (!user?.active) throw invalidToken(`Token bears a non-existent user ID: ${userId}`)
  return user
}

/** Throws UaaError 401 for a scope that was taken from its owner since. */
export function requireStillGranted(scopes: readonly string[], allowed: ReadonlySet<string>): void {
  const missing = scopes.filter((scope) => !allowed.has(scope))
  if (missing.length > 0) throw invalidToken(`Some required "scope" are missing: [${missing.join(', ')}]`)
}

async function verifySignature(context: UaaContext, token: string): Promise<JWTPayload> {
  const kid = keyIdOf(token)
  const key = context.keys.find(kid)
  if (!key) throw invalidToken(`Token header claim [kid] references unknown signing key : [${kid}]`)
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ['RS256'],
      issuer: context.issuer,
      currentDate: new Date(context.now()),
      requiredClaims: ['exp', 'jti'],
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw invalidToken(`Invalid access token: expired at ${new Date((error.payload.exp ?? 0) * 1_000).toUTCString()}`)
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) throw invalidToken('Could not verify token signature.')
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss') {
      throw invalidToken(
        `Invalid issuer (${String(error.payload.iss)}) for token did not match expected: ${context.issuer}`,
      )
    }
    if (error instanceof errors.JOSEError) throw invalidToken('Invalid token (could not decode)')
    throw error
  }
}

function keyIdOf(token: string): string {
  let kid: string | undefined
  try {
    kid = decodeProtectedHeader(token).kid
  } catch {
    // What jose throws here says nothing more than that this is no token.
    throw invalidToken('Invalid token (could not decode)')
  }
  if (kid === undefined) throw invalidToken('kid claim not found in JWT token header')
  return kid
}

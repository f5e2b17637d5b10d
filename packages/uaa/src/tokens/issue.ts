import { randomBytes, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { UaaContext } from '../context.ts'
import type { Client } from '../store/clients.ts'
import { secretId } from '../store/tokens.ts'
import type { User } from '../store/users.ts'
import { revocationSignature } from './revocation-signature.ts'
import { audienceOf } from './scopes.ts'

/** Who gets a token, and for what. */
export interface Grant {
  readonly client: Client
  /** Null when a client acts for itself. */
  readonly user: User | null
  readonly scopes: readonly string[]
  readonly grantType: string
  /** When the user gave the password, in milliseconds. */
  readonly authenticatedAt: number | null
}

export interface TokenResponse {
  readonly access_token: string
  readonly token_type: 'bearer'
  readonly refresh_token?: string
  readonly expires_in: number
  readonly scope: string
  readonly jti: string
}

/** Signs an access token. With `refreshToken`, that one is handed back along with it. */
export async function issueTokens(context: UaaContext, grant: Grant, refreshToken?: string): Promise<TokenResponse> {
  const { client, user, scopes } = grant
  const { kid, privateKey } = await context.keys.active()
  const now = context.now()
  const validity = client.details.accessTokenValidityInSeconds ?? context.config.tokens.accessTokenValidityInSeconds
  const issuedAt = Math.floor(now / 1_000)
  const expiresAt = issuedAt + validity
  const jti = randomUUID().replaceAll('-', '')
  const signature = revocationSignature(context, client, user)
  const { revocable } = context.config.tokens
  const claims = {
    jti,
    sub: user?.id ?? client.id,
    ...(user ? {} : { authorities: scopes }),
    scope: scopes,
    client_id: client.id,
    cid: client.id,
    azp: client.id,
    ...(revocable ? { revocable } : {}),
    grant_type: grant.grantType,
    ...(user && {
      user_id: user.id,
      origin: user.origin,
      user_name: user.user_name,
      email: user.email,
      auth_time: Math.floor((grant.authenticatedAt ?? now) / 1_000),
    }),
    rev_sig: signature,
    iat: issuedAt,
    exp: expiresAt,
    iss: context.issuer,
    zid: 'uaa',
    aud: audienceOf(client.id, scopes),
  }
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', jku: `${context.externalUrl}/token_keys`, kid, typ: 'JWT' })
    .sign(privateKey)
  if (revocable) {
    context.store.tokens.add(storedToken(grant, jti, 'access', signature, expiresAt * 1_000), now)
  }
  return {
    access_token: token,
    token_type: 'bearer',
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    expires_in: validity - 1,
    scope: scopes.join(' '),
    jti,
  }
}

/**
 * A refresh token, opaque as UAA's are; undefined for a client that may not have one. It stays the same and keeps its
 * end while it is used, because several `cf` at once share one.
 */
export function createRefreshToken(context: UaaContext, grant: Grant): string | undefined {
  const { client, user } = grant
  if (!user || !client.details.authorizedGrantTypes.includes('refresh_token')) return undefined
  const now = context.now()
  const validity = client.details.refreshTokenValidityInSeconds ?? context.config.tokens.refreshTokenValidityInSeconds
  const value = `${randomBytes(32).toString('hex')}-r`
  const signature = revocationSignature(context, client, user)
  context.store.tokens.add(storedToken(grant, secretId(value), 'refresh', signature, now + validity * 1_000), now)
  return value
}

function storedToken(grant: Grant, id: string, kind: 'access' | 'refresh', signature: string, expiresAt: number) {
  return {
    id,
    kind,
    client_id: grant.client.id,
    user_id: grant.user?.id ?? null,
    scopes: [...grant.scopes],
    grant_type: grant.grantType,
    authenticated_at: grant.authenticatedAt,
    revocation_signature: signature,
    expires_at: expiresAt,
  }
}

import { z } from 'zod'
import type { UaaContext } from '../context.ts'
import {
  accountLocked,
  badCredentials,
  invalidClient,
  invalidGrant,
  invalidRequest,
  invalidScope,
  invalidToken,
  UaaError,
  unauthorized,
} from '../errors.ts'
import type { Client } from '../store/clients.ts'
import { secretId } from '../store/tokens.ts'
import type { User } from '../store/users.ts'
import { createRefreshToken, issueTokens, type TokenResponse } from '../tokens/issue.ts'
import { revocationSignature } from '../tokens/revocation-signature.ts'
import { allowedScopes, grantedScopes, requireRegistered, splitScopes } from '../tokens/scopes.ts'
import { requireActiveUser, requireStillGranted } from '../tokens/verify.ts'

export type Parameters = Readonly<Record<string, string>>
type GrantHandler = (context: UaaContext, client: Client, parameters: Parameters) => Promise<TokenResponse>

const handlers: Readonly<Record<string, GrantHandler>> = {
  password: passwordGrant,
  refresh_token: refreshGrant,
  client_credentials: clientCredentialsGrant,
  authorization_code: authorizationCodeGrant,
}

/** Answers a token request of an authenticated client. Throws UaaError. */
export async function grantTokens(context: UaaContext, client: Client, parameters: Parameters): Promise<TokenResponse> {
  const grantType = parameters.grant_type
  if (!grantType) throw invalidRequest('Missing grant type')
  const handler = Object.hasOwn(handlers, grantType) ? handlers[grantType] : undefined
  if (!handler) throw new UaaError(400, 'unsupported_grant_type', `Unsupported grant type: ${grantType}`)
  if (!client.details.authorizedGrantTypes.includes(grantType)) throw invalidClient('Unauthorized grant type')
  return handler(context, client, parameters)
}

async function passwordGrant(context: UaaContext, client: Client, parameters: Parameters): Promise<TokenResponse> {
  const requested = splitScopes(parameters.scope)
  requireRegistered(client.details.scopes, requested)
  requireLocalOrigin(parameters.login_hint)
  const user = await authenticateUser(context, parameters)
  const now = context.now()
  const scopes = grantedScopes(context, client, user.id, requested)
  context.store.users.recordLogin(user.id, now)
  context.logger.info({ userId: user.id, clientId: client.id }, 'user logged in')
  const grant = { client, user, scopes, grantType: 'password', authenticatedAt: now }
  return issueTokens(context, grant, createRefreshToken(context, grant))
}

async function authenticateUser(context: UaaContext, parameters: Parameters): Promise<User> {
  const { username, password, passcode } = parameters
  if (username === undefined && passcode !== undefined) {
    // Nobody gets a passcode here, so that none is right.
    await context.guard.slowDown()
    throw unauthorized('Invalid passcode')
  }
  if (!username || password === undefined) throw badCredentials()
  const user = context.store.users.findByName(username, 'uaa')
  if (!user?.active) {
    // As slow as a wrong password, so that nobody learns which names exist.
    await context.hasher.matches(password, null)
    await context.guard.slowDown()
    context.logger.warn('login of an unknown user failed')
    throw badCredentials()
  }
  const outcome = await context.guard.attempt(user.id, () => context.hasher.matches(password, user.password_hash))
  if (outcome === 'right') return user
  context.logger.warn({ userId: user.id, outcome }, 'login failed')
  throw outcome === 'locked' ? accountLocked() : badCredentials()
}

const LoginHint = z.object({ origin: z.string() })

/** `login_hint` is a JSON object that names the identity provider; this server has none but its own. */
function requireLocalOrigin(loginHint: string | undefined): void {
  if (loginHint === undefined) return
  let hint: unknown
  try {
    hint = JSON.parse(loginHint)
  } catch {
    // The parameter comes from OpenID Connect, where it may be any text, and then it hints at nothing here.
    return
  }
  const read = LoginHint.safeParse(hint)
  if (read.success && read.data.origin !== 'uaa') {
    throw unauthorized(
      'The origin provided in the login_hint does not match an active Identity Provider, that supports password grant.',
    )
  }
}

async function refreshGrant(context: UaaContext, client: Client, parameters: Parameters): Promise<TokenResponse> {
  const value = parameters.refresh_token
  if (!value) throw invalidToken('Invalid refresh token (empty token)')
  const stored = context.store.tokens.find(secretId(value))
  if (stored?.kind !== 'refresh' || stored.user_id === null || stored.expires_at <= context.now()) {
    throw invalidToken('The token expired, was revoked, or the token ID is incorrect.')
  }
  if (stored.client_id !== client.id) throw invalidGrant(`Wrong client for this refresh token: ${stored.client_id}`)
  const user = requireActiveUser(context, stored.user_id)
  if (stored.revocation_signature !== revocationSignature(context, client, user)) {
    throw invalidToken('Invalid refresh token: revocable signature mismatch')
  }
  const requested = splitScopes(parameters.scope)
  if (requested.some((scope) => !stored.scopes.includes(scope))) {
    throw invalidScope(`Unable to narrow the scope of the client authentication to [${requested.join(', ')}].`)
  }
  const scopes = requested.length > 0 ? requested : stored.scopes
  requireStillGranted(scopes, allowedScopes(context, client, user.id))
  const grant = { client, user, scopes, grantType: stored.grant_type, authenticatedAt: stored.authenticated_at }
  return issueTokens(context, grant, value)
}

async function clientCredentialsGrant(
  context: UaaContext,
  client: Client,
  parameters: Parameters,
): Promise<TokenResponse> {
  const requested = splitScopes(parameters.scope)
  requireRegistered(client.details.authorities, requested)
  const scopes = requested.length > 0 ? requested : client.details.authorities
  if (scopes.length === 0) throw invalidToken('No scopes were granted')
  return issueTokens(context, { client, user: null, scopes, grantType: 'client_credentials', authenticatedAt: null })
}

async function authorizationCodeGrant(
  context: UaaContext,
  client: Client,
  parameters: Parameters,
): Promise<TokenResponse> {
  const code = parameters.code
  if (!code) throw invalidRequest('An authorization code must be supplied.')
  const taken = context.store.tokens.takeCode(code)
  if (!taken || taken.expires_at <= context.now()) throw invalidGrant('Invalid authorization code')
  if (taken.client_id !== client.id) throw invalidClient('Client ID mismatch')
  if (parameters.redirect_uri !== undefined && parameters.redirect_uri !== taken.redirect_uri) {
    throw invalidGrant('Redirect URI mismatch.')
  }
  const user = requireActiveUser(context, taken.user_id)
  requireStillGranted(taken.scopes, allowedScopes(context, client, user.id))
  const grant = {
    client,
    user,
    scopes: taken.scopes,
    grantType: 'authorization_code',
    authenticatedAt: context.now(),
  }
  return issueTokens(context, grant, createRefreshToken(context, grant))
}

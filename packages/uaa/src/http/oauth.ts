import { randomBytes } from 'node:crypto'
import { type Context, Hono } from 'hono'
import type { UaaContext } from '../context.ts'
import { accessDenied, insufficientScope, invalidRequest, invalidScope, UaaError } from '../errors.ts'
import { requireAutoApproved, resolveRedirect } from '../oauth/authorization.ts'
import { authenticateClient } from '../oauth/client-authentication.ts'
import { grantTokens } from '../oauth/grants.ts'
import { grantedScopes, requireRegistered, splitScopes } from '../tokens/scopes.ts'
import { verifyAccessToken } from '../tokens/verify.ts'
import { requireScope } from './caller.ts'
import { readForm } from './request-body.ts'

/** uaa: UaaTokenStore.java */
const codeValidityInMs = 5 * 60_000

/** /oauth/token, and what goes with tokens. */
export function oauthRoutes(context: UaaContext): Hono {
  const routes = new Hono()

  routes.post('/oauth/token', async (c) => {
    const form = await readForm(c)
    const client = await authenticateClient(context, c, form)
    // cf gives --origin in the query.
    const loginHint = form.login_hint ?? c.req.query('login_hint')
    const parameters = loginHint === undefined ? form : { ...form, login_hint: loginHint }
    c.header('Cache-Control', 'no-store')
    c.header('Pragma', 'no-cache')
    return c.json(await grantTokens(context, client, parameters))
  })

  /** Gives a logged-in user a one-time code for another client: how `cf ssh-code` asks, with a bearer token and no page. */
  const authorize = async (c: Context, parameters: Record<string, string>) => {
    const caller = await requireScope(context, c, 'uaa.user')
    if (!caller.user) throw insufficientScope(['uaa.user'])
    const client = context.store.clients.find(parameters.client_id ?? '')
    if (!client) throw invalidRequest(`No client with requested id: ${parameters.client_id ?? ''}`)
    if (parameters.response_type !== 'code') {
      throw new UaaError(400, 'unsupported_response_type', 'Unsupported response types')
    }
    const redirect = resolveRedirect(client, parameters.redirect_uri)
    const requested = splitScopes(parameters.scope)
    requireRegistered(client.details.scopes, requested)
    const scopes = grantedScopes(context, client, caller.user.id, requested)
    requireAutoApproved(client, scopes)
    const code = randomBytes(24).toString('base64url')
    context.store.tokens.addCode(code, {
      client_id: client.id,
      user_id: caller.user.id,
      redirect_uri: redirect.href,
      scopes,
      expires_at: context.now() + codeValidityInMs,
    })
    const location = new URL(redirect)
    location.searchParams.set('code', code)
    if (parameters.state !== undefined) location.searchParams.set('state', parameters.state)
    return c.redirect(location.href, 302)
  }
  routes.get('/oauth/authorize', (c) => authorize(c, c.req.query()))
  routes.post('/oauth/authorize', async (c) => authorize(c, { ...c.req.query(), ...(await readForm(c)) }))

  routes.post('/check_token', async (c) => {
    const form = await readForm(c)
    const client = await authenticateClient(context, c, {})
    if (!client.details.authorities.includes('uaa.resource')) throw accessDenied('Access is denied')
    const { token } = form
    if (!token) throw new UaaError(400, 'invalid_token', 'Token parameter must be set')
    const { claims, scopes } = await verifyAccessToken(context, token).catch((error: unknown) => {
      // The caller itself was let in: it hears of the other's token with 400 (uaa: CheckTokenEndpoint.java).
      throw error instanceof UaaError ? new UaaError(400, error.error, error.message) : error
    })
    const missing = splitScopes(form.scopes).filter((scope) => !scopes.has(scope))
    if (missing.length > 0) throw invalidScope(`Some requested scopes are missing: ${missing.join(',')}`)
    return c.json(claims)
  })

  routes.on(['GET', 'POST'], '/userinfo', async (c) => {
    const { user } = await requireScope(context, c, 'openid')
    if (!user) throw insufficientScope(['openid'])
    const name = [user.given_name, user.family_name].filter(Boolean).join(' ')
    return c.json({
      user_id: user.id,
      user_name: user.user_name,
      name,
      ...(user.given_name === null ? {} : { given_name: user.given_name }),
      ...(user.family_name === null ? {} : { family_name: user.family_name }),
      ...(user.phone_number === null ? {} : { phone_number: user.phone_number }),
      email: user.email,
      email_verified: user.verified,
      previous_logon_time: user.previous_login_at,
      sub: user.id,
    })
  })
  return routes
}

import { type Context, Hono } from 'hono'
import type { UaaContext } from '../context.ts'
import { insufficientScope, UaaError } from '../errors.ts'
import { secretId } from '../store/tokens.ts'
import { hasScope, requireCaller, requireScope, requireScopeOrSelf } from './caller.ts'

const notFound = () => new UaaError(404, 'invalid_token', 'Resource not found')

/** /oauth/token/revoke/… (uaa: TokenRevocationEndpoint.java). */
export function revocationRoutes(context: UaaContext): Hono {
  const routes = new Hono()
  const { store, logger } = context

  const revokeUser = async (c: Context, userId: string) => {
    await requireScopeOrSelf(context, c, userId, 'tokens.revoke')
    if (!store.users.find(userId)) throw notFound()
    store.transaction(() => {
      store.users.changeTokenSalt(userId)
      store.tokens.deleteOfUser(userId)
    })
    logger.info({ userId }, 'revoked all tokens of a user')
    return c.body(null, 200)
  }
  routes.on(['GET', 'DELETE'], '/oauth/token/revoke/user/:userId', (c) => revokeUser(c, c.req.param('userId')))

  const revokeClient = async (c: Context, clientId: string) => {
    await requireScope(context, c, 'tokens.revoke')
    if (!store.clients.find(clientId)) throw notFound()
    store.transaction(() => {
      store.clients.changeTokenSalt(clientId)
      store.tokens.deleteOfClient(clientId)
    })
    logger.info({ clientId }, 'revoked all tokens of a client')
    return c.body(null, 200)
  }
  routes.on(['GET', 'DELETE'], '/oauth/token/revoke/client/:clientId', (c) => revokeClient(c, c.req.param('clientId')))

  const revokeUserOfClient = async (c: Context, userId: string, clientId: string) => {
    const caller = await requireCaller(context, c)
    const isSelf = caller.user?.id === userId && caller.client.id === clientId
    if (!isSelf && !hasScope(caller, 'tokens.revoke')) throw insufficientScope(['tokens.revoke'])
    store.tokens.deleteOfUserAndClient(userId, clientId)
    logger.info({ userId, clientId }, 'revoked the stored tokens of a user and a client')
    return c.body(null, 200)
  }
  routes.on(['GET', 'DELETE'], '/oauth/token/revoke/user/:userId/client/:clientId', (c) =>
    revokeUserOfClient(c, c.req.param('userId'), c.req.param('clientId')),
  )

  /** By the id of a revocable access token, or by a refresh token itself, which is its own id. */
  routes.delete('/oauth/token/revoke/:tokenId', async (c) => {
    const caller = await requireCaller(context, c)
    const tokenId = c.req.param('tokenId')
    const token = store.tokens.find(tokenId) ?? store.tokens.find(secretId(tokenId))
    const owns = token && token.client_id === caller.client.id && token.user_id === (caller.user?.id ?? null)
    if (!owns && !hasScope(caller, 'tokens.revoke')) throw insufficientScope(['tokens.revoke'])
    if (!token) throw notFound()
    store.tokens.delete(token.id)
    logger.info({ kind: token.kind, userId: token.user_id, clientId: token.client_id }, 'revoked a token')
    return c.body(null, 200)
  })
  return routes
}

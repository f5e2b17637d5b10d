import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Db } from '../db/schema.ts'
import { apiError, notAuthorized } from '../errors/api-error.ts'
import { callerOf, mayUseMethod } from '../permissions/caller.ts'
import { now } from '../v3/kit/timestamps.ts'
import type { WorkerEnv } from './environment.ts'
import type { VerifyToken } from './token-verifier.ts'

/**
 * Turns the Authorization header into `c.var.caller` (semantics, section 1): 401/10002 without one, 401/1000 for one that
 * does not hold, 403/10003 when its scopes do not allow the method. The first call of a user makes its row. A path or verb
 * that nobody serves is a 404 for everyone. Expiry is judged by when the request began to arrive, so that a token may expire
 * in the middle of a long upload.
 */
export function authenticate(verifyToken: VerifyToken): MiddlewareHandler<WorkerEnv> {
  const knownUsers = new Set<string>()
  return async (c, next) => {
    if (!isServed(c)) throw apiError('NotFound')
    const header = c.req.header('authorization')
    if (!header) throw apiError('NotAuthenticated')
    const [, token] = /^bearer\s+(\S+)$/i.exec(header) ?? []
    if (!token) throw apiError('InvalidAuthToken')
    const caller = callerOf(await verifyToken(token, c.env?.request?.receivedAt), token)
    if (!knownUsers.has(caller.userGuid)) {
      await ensureUser(c.var.db, caller.userGuid)
      knownUsers.add(caller.userGuid)
    }
    c.set('caller', caller)
    c.header('X-USER-GUID', caller.userGuid)
    if (!mayUseMethod(caller, c.req.method)) throw notAuthorized()
    await next()
  }
}

/** Whether an endpoint matches, besides the middlewares, which are registered for all verbs. */
const isServed = (c: Context<WorkerEnv>): boolean => matchedRoutes(c).some(({ method }) => method !== 'ALL')

/** Makes the row of a user that UAA knows, unless there is one. */
export async function ensureUser(db: Db, guid: string): Promise<void> {
  const time = now()
  await db
    .insertInto('users')
    .values({ guid, created_at: time, updated_at: time })
    .onConflict((conflict) => conflict.column('guid').doNothing())
    .execute()
}

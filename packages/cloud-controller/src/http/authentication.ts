import type { MiddlewareHandler } from 'hono'
import type { Db } from '../db/schema.ts'
import { apiError, notAuthorized } from '../errors/api-error.ts'
import { callerOf, mayUseMethod } from '../permissions/caller.ts'
import { now } from '../v3/kit/timestamps.ts'
import type { WorkerEnv } from './environment.ts'
import type { VerifyToken } from './token-verifier.ts'

/**
 * Turns the Authorization header into `c.var.caller` (semantics, section 1): 401/10002 without one, 401/1000 for one that
 * does not hold, 403/10003 when its scopes do not allow the method. The first call of a user makes its row.
 */
export function authenticate(verifyToken: VerifyToken): MiddlewareHandler<WorkerEnv> {
  const knownUsers = new Set<string>()
  return async (c, next) => {
    const header = c.req.header('authorization')
    if (!header) throw apiError('NotAuthenticated')
    const [, token] = /^bearer\s+(\S+)$/i.exec(header) ?? []
    if (!token) throw apiError('InvalidAuthToken')
    const caller = callerOf(await verifyToken(token), token)
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

/** Makes the row of a user that UAA knows, unless there is one. */
export async function ensureUser(db: Db, guid: string): Promise<void> {
  const time = now()
  await db
    .insertInto('users')
    .values({ guid, created_at: time, updated_at: time })
    .onConflict((conflict) => conflict.column('guid').doNothing())
    .execute()
}

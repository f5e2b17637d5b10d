import type { Context } from 'hono'
import type { UaaContext } from '../context.ts'
import { insufficientScope, missingToken } from '../errors.ts'
import { type Caller, verifyAccessToken } from '../tokens/verify.ts'

/** The owner of the bearer token. Throws UaaError 401 without a token, or with one that does not count. */
export async function requireCaller(context: UaaContext, c: Context): Promise<Caller> {
  const token = /^bearer\s+(\S+)\s*$/i.exec(c.req.header('Authorization') ?? '')?.[1]
  if (token === undefined) throw missingToken()
  return verifyAccessToken(context, token)
}

/** As `requireCaller`; throws UaaError 403 unless the token has `uaa.admin` or one of these scopes. */
export async function requireScope(context: UaaContext, c: Context, ...accepted: string[]): Promise<Caller> {
  const caller = await requireCaller(context, c)
  if (!hasScope(caller, ...accepted)) throw insufficientScope(accepted)
  return caller
}

/** As `requireScope`, but users may always do it to themselves. */
export async function requireScopeOrSelf(
  context: UaaContext,
  c: Context,
  userId: string,
  ...accepted: string[]
): Promise<Caller> {
  const caller = await requireCaller(context, c)
  if (caller.user?.id !== userId && !hasScope(caller, ...accepted)) throw insufficientScope(accepted)
  return caller
}

export function hasScope(caller: Caller, ...accepted: string[]): boolean {
  return caller.scopes.has('uaa.admin') || accepted.some((scope) => caller.scopes.has(scope))
}

import type { RoleUser } from '../../actions/roles.ts'
import { ApiError, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext } from '../../http/environment.ts'
import type { RoleHolder } from './messages.ts'

/**
 * The guid of the user that UAA knows by this name. Throws 422 when there is none (`noUser` words it, unless it is left to
 * CC's own words) or when several origins have one. 503 while UAA is down.
 */
export async function guidByUsername(
  c: RequestContext,
  { username, origin }: Extract<RoleHolder, { username: string }>,
  noUser?: () => Error,
): Promise<string> {
  const found = await c.var.userDirectory.byUsernames([username], origin === undefined ? undefined : [origin])
  if (found.length > 1) {
    const origins = found.map((user) => user.origin).sort()
    throw unprocessable(
      `Ambiguous user. User with username '${username}' exists in the following origins: ${origins.join(', ')}. Specify an origin to disambiguate.`,
    )
  }
  const [user] = found
  if (user) return user.guid
  throw (
    noUser?.() ??
    unprocessable(
      `No user exists with the username '${username}'${origin === undefined ? '' : ` and origin '${origin}'`}.`,
    )
  )
}

/** The user with its name. A name is not worth refusing the request for: without UAA it is null. */
export async function roleUser(c: RequestContext, guid: string): Promise<RoleUser> {
  try {
    const known = await c.var.userDirectory.byGuids([guid])
    return { guid, username: known.get(guid)?.username ?? null }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    c.var.logger.warn({ err: error }, 'could not ask UAA for the name of a user')
    return { guid, username: null }
  }
}

import type { UaaContext } from '../context.ts'
import { invalidScope } from '../errors.ts'
import type { Client } from '../store/clients.ts'

export const splitScopes = (text: string | undefined) => (text ?? '').split(/[\s,]+/).filter(Boolean)

/** What a user may have in a token: the default groups and those that the user is a member of. */
function scopesOfUser({ store, config }: UaaContext, userId: string): Set<string> {
  return new Set([...config.defaultGroups, ...store.groups.groupsOf(userId).map(({ group }) => group.display_name)])
}

/** What a token of this client may hold: for a user, what both have; for the client itself, its authorities. */
export function allowedScopes(context: UaaContext, client: Client, userId: string | null): Set<string> {
  if (userId === null) return new Set(client.details.authorities)
  return new Set([...scopesOfUser(context, userId)].filter((scope) => matchesScope(client.details.scopes, scope)))
}

/** `*` in a registered scope stands for one part between dots (uaa: UaaStringUtils.java, `constructWildcards`). */
export function matchesScope(registered: readonly string[], scope: string): boolean {
  return registered.some((pattern) => {
    if (!pattern.includes('*')) return pattern === scope
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^.]+')
    return new RegExp(`^${escaped}$`).test(scope)
  })
}

/** Throws UaaError 400 for a requested scope that is not registered. */
export function requireRegistered(registered: readonly string[], requested: readonly string[]): void {
  const unknown = requested.find((scope) => !matchesScope(registered, scope))
  if (unknown !== undefined) {
    throw invalidScope(`${unknown} is invalid. Please use a valid scope name in the request`)
  }
}

/**
 * Scopes of a user's token: in the user's groups, registered for the client, and requested if any are. Throws UaaError
 * 400 when none is left (uaa: UaaAuthorizationRequestManager.java).
 */
export function grantedScopes(
  context: UaaContext,
  client: Client,
  userId: string,
  requested: readonly string[],
): string[] {
  const asked = requested.length > 0 ? requested : client.details.scopes
  const granted = [...allowedScopes(context, client, userId)].filter((scope) => matchesScope(asked, scope))
  if (granted.length === 0) {
    throw invalidScope(`[${asked.join(', ')}] is invalid. This user is not allowed any of the requested scopes`)
  }
  return granted.sort()
}

/** The client, and what each scope has before its last dot (uaa: UaaAuthorizationRequestManager.java, `getResourceIds`). */
export function audienceOf(clientId: string, scopes: readonly string[]): string[] {
  const prefixes = scopes
    .filter((scope) => scope !== 'uaa.none')
    .map((scope) => (scope === 'openid' ? scope : scope.slice(0, Math.max(scope.lastIndexOf('.'), 0))))
    .filter(Boolean)
  return [...new Set([clientId, ...prefixes])]
}

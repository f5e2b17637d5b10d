import type { AccessTokenClaims } from '@vcap/protocol'

/** Who asks. Made from a verified token; carries no roles, because those are conditions in SQL. */
export interface Caller {
  /** The token's user_id, or the client_id of a client. */
  readonly userGuid: string
  readonly userName: string | null
  readonly email: string | null
  readonly scopes: ReadonlySet<string>
  /** admin, admin_read_only, global_auditor: sees everything. */
  readonly readsGlobally: boolean
  /** admin, admin_read_only: sees everybody's secrets. */
  readonly readsSecretsGlobally: boolean
  /** admin: may do everything. */
  readonly writesGlobally: boolean
  readonly token: string
}

/** Scopes that decide everything before any role (semantics, section 1 and 8). */
export function callerOf(claims: AccessTokenClaims, token: string): Caller {
  const scopes = new Set(claims.scope)
  const isAdmin = scopes.has('cloud_controller.admin')
  const isReadOnlyAdmin = scopes.has('cloud_controller.admin_read_only')
  return {
    userGuid: claims.user_id ?? claims.client_id,
    userName: claims.user_name ?? null,
    email: claims.email ?? null,
    scopes,
    readsGlobally: isAdmin || isReadOnlyAdmin || scopes.has('cloud_controller.global_auditor'),
    readsSecretsGlobally: isAdmin || isReadOnlyAdmin,
    writesGlobally: isAdmin,
    token,
  }
}

/** The scope gate before any role: reading needs one of the reading scopes, everything else a writing one. */
export function mayUseMethod(caller: Caller, method: string): boolean {
  if (caller.writesGlobally) return true
  if (method === 'GET' || method === 'HEAD') return caller.readsGlobally || caller.scopes.has('cloud_controller.read')
  return caller.scopes.has('cloud_controller.write')
}

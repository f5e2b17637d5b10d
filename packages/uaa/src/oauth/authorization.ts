import { accessDenied, invalidRequest, UaaError } from '../errors.ts'
import type { Client } from '../store/clients.ts'
import { matchesScope } from '../tokens/scopes.ts'

/** Where to send the code: a registered address, exactly. Throws UaaError 400. */
export function resolveRedirect(client: Client, requested: string | undefined): URL {
  if (!client.details.authorizedGrantTypes.includes('authorization_code')) {
    throw new UaaError(400, 'invalid_grant', 'A redirect_uri can only be used by authorization_code grant types.')
  }
  const [first] = client.details.redirectUris
  if (first === undefined) throw invalidRequest('Client registration is missing redirect_uri')
  if (requested === undefined) return new URL(first)
  if (!client.details.redirectUris.includes(requested)) {
    throw invalidRequest(`Invalid redirect ${requested} did not match one of the registered values`)
  }
  return new URL(requested)
}

/** There is no page on which a user could consent. Throws UaaError 403 for a client that would need it. */
export function requireAutoApproved(client: Client, scopes: readonly string[]): void {
  const { autoApprove } = client.details
  if (autoApprove === true) return
  const approved = autoApprove === false ? [] : autoApprove
  if (!scopes.every((scope) => matchesScope(approved, scope))) {
    throw accessDenied(`The client ${client.id} is not approved for all of its scopes, and there is no consent page.`)
  }
}

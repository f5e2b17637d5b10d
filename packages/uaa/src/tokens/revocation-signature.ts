import { createHmac } from 'node:crypto'
import type { UaaContext } from '../context.ts'
import type { Client } from '../store/clients.ts'
import type { User } from '../store/users.ts'

/**
 * `rev_sig`: changes with everything that ends a token, such as a new password or client secret, so that nothing needs
 * to be kept about the tokens that were issued (uaa: UaaTokenUtils.java, `getRevocableTokenSignature`).
 */
export function revocationSignature(context: UaaContext, client: Client, user: User | null): string {
  const covered = [
    client.id,
    client.token_salt,
    context.clientSecrets.fingerprintOf(client),
    user && [user.id, user.password_hash, user.token_salt, user.email, user.user_name],
  ]
  return createHmac('sha256', context.store.revocationKey).update(JSON.stringify(covered)).digest('hex').slice(0, 16)
}

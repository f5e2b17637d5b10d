import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { PasswordHasher } from '../passwords/password-hash.ts'
import type { Client } from '../store/clients.ts'

/**
 * Checks client secrets. Those of the configuration are compared as they are. Those set through the API are hashed with
 * scrypt; components ask for a token often, so one that was right is remembered by a digest that only this process can make.
 */
export class ClientSecrets {
  readonly #configured: ReadonlyMap<string, string>
  readonly #hasher: PasswordHasher
  readonly #digestKey = randomBytes(32)
  readonly #verified = new Map<string, Buffer>()

  constructor(configured: ReadonlyMap<string, string>, hasher: PasswordHasher) {
    this.#configured = configured
    this.#hasher = hasher
  }

  async matches(client: Client, secret: string): Promise<boolean> {
    const digest = this.#digest(secret)
    if (client.secret_hash === null) {
      // A client that has no secret at all, neither here nor there, is a public one.
      return timingSafeEqual(digest, this.#digest(this.#configured.get(client.id) ?? ''))
    }
    const known = this.#verified.get(client.secret_hash)
    if (known && timingSafeEqual(known, digest)) return true
    const right = await this.#hasher.matches(secret, client.secret_hash)
    if (right) this.#verified.set(client.secret_hash, digest)
    return right
  }

  /** Changes with the secret. */
  fingerprintOf(client: Client): string {
    return client.secret_hash ?? this.#configured.get(client.id) ?? ''
  }

  #digest(secret: string): Buffer {
    return createHmac('sha256', this.#digestKey).update(secret).digest()
  }
}

import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'

const TokenRow = z.object({
  id: z.string(),
  kind: z.enum(['access', 'refresh']),
  client_id: z.string(),
  user_id: z.string().nullable(),
  scopes: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
  grant_type: z.string(),
  authenticated_at: z.number().nullable(),
  revocation_signature: z.string(),
  expires_at: z.number(),
})
export type StoredToken = z.infer<typeof TokenRow>

const CodeRow = z.object({
  client_id: z.string(),
  user_id: z.string(),
  redirect_uri: z.string(),
  scopes: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
  expires_at: z.number(),
})
export type AuthorizationCode = z.infer<typeof CodeRow>

const purgeIntervalInMs = 60_000

/**
 * Refresh tokens, revocable access tokens and authorization codes. Whoever reads the database must not be able to use
 * what is in it, so refresh tokens and codes are stored under their hash (`secretId`).
 */
export class Tokens {
  readonly #db: DatabaseSync
  #purgedAt = 0

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  find(id: string): StoredToken | undefined {
    const row = this.#db.prepare('SELECT * FROM tokens WHERE id = ?').get(id)
    return row && TokenRow.parse(row)
  }

  add(token: StoredToken, now: number): void {
    this.#purge(now)
    this.#db
      .prepare(
        `INSERT INTO tokens (id, kind, client_id, user_id, scopes, grant_type, authenticated_at, revocation_signature,
           expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        token.id,
        token.kind,
        token.client_id,
        token.user_id,
        JSON.stringify(token.scopes),
        token.grant_type,
        token.authenticated_at,
        token.revocation_signature,
        token.expires_at,
      )
  }

  delete(id: string): void {
    this.#db.prepare('DELETE FROM tokens WHERE id = ?').run(id)
  }

  deleteOfUser(userId: string): void {
    this.#db.prepare('DELETE FROM tokens WHERE user_id = ?').run(userId)
  }

  deleteOfClient(clientId: string): void {
    this.#db.prepare('DELETE FROM tokens WHERE client_id = ?').run(clientId)
  }

  deleteOfUserAndClient(userId: string, clientId: string): void {
    this.#db.prepare('DELETE FROM tokens WHERE user_id = ? AND client_id = ?').run(userId, clientId)
  }

  addCode(code: string, details: AuthorizationCode): void {
    this.#db
      .prepare(
        `INSERT INTO authorization_codes (id, client_id, user_id, redirect_uri, scopes, expires_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(
        secretId(code),
        details.client_id,
        details.user_id,
        details.redirect_uri,
        JSON.stringify(details.scopes),
        details.expires_at,
      )
  }

  /** A code serves once, whatever comes of it. */
  takeCode(code: string): AuthorizationCode | undefined {
    const row = this.#db.prepare('DELETE FROM authorization_codes WHERE id = ? RETURNING *').get(secretId(code))
    return row && CodeRow.parse(row)
  }

  #purge(now: number): void {
    if (now - this.#purgedAt < purgeIntervalInMs) return
    this.#purgedAt = now
    this.#db.prepare('DELETE FROM tokens WHERE expires_at <= ?').run(now)
    this.#db.prepare('DELETE FROM authorization_codes WHERE expires_at <= ?').run(now)
  }
}

export function secretId(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

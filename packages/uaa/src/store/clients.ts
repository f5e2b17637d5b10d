import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { clientAlreadyExists, noSuchClient } from '../errors.ts'
import { isUniqueViolation } from './database.ts'

export const ClientDetails = z.object({
  authorizedGrantTypes: z.array(z.string()),
  scopes: z.array(z.string()),
  authorities: z.array(z.string()),
  redirectUris: z.array(z.string()),
  autoApprove: z.union([z.boolean(), z.array(z.string())]),
  accessTokenValidityInSeconds: z.number().optional(),
  refreshTokenValidityInSeconds: z.number().optional(),
})
export type ClientDetails = z.infer<typeof ClientDetails>

const ClientRow = z.object({
  id: z.string(),
  name: z.string().nullable(),
  secret_hash: z.string().nullable(),
  details: z.string().transform((text) => ClientDetails.parse(JSON.parse(text))),
  token_salt: z.string(),
  updated_at: z.number(),
})
export type Client = z.infer<typeof ClientRow>

/**
 * Registered clients. The secrets of those that the configuration names are held in memory alone; a secret set through
 * the API is kept as a hash and counts before the configured one, until the next start.
 */
export class Clients {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  find(id: string): Client | undefined {
    const row = this.#db.prepare('SELECT * FROM clients WHERE id = ?').get(id)
    return row && ClientRow.parse(row)
  }

  /** Throws UaaError 404. */
  get(id: string): Client {
    const client = this.find(id)
    if (!client) throw noSuchClient(id)
    return client
  }

  all(): Client[] {
    return this.#db
      .prepare('SELECT * FROM clients ORDER BY id')
      .all()
      .map((row) => ClientRow.parse(row))
  }

  /** Throws UaaError 409. */
  create(id: string, name: string | null, secretHash: string | null, details: ClientDetails, now: number): Client {
    try {
      this.#db
        .prepare(
          'INSERT INTO clients (id, name, secret_hash, details, token_salt, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(id, name, secretHash, JSON.stringify(details), randomBytes(16).toString('hex'), now)
    } catch (error) {
      if (isUniqueViolation(error)) throw clientAlreadyExists(id)
      throw error
    }
    return this.get(id)
  }

  update(id: string, name: string | null, details: ClientDetails, now: number): void {
    this.#db
      .prepare('UPDATE clients SET name = ?, details = ?, updated_at = ? WHERE id = ?')
      .run(name, JSON.stringify(details), now, id)
  }

  setSecret(id: string, secretHash: string, now: number): void {
    this.#db.prepare('UPDATE clients SET secret_hash = ?, updated_at = ? WHERE id = ?').run(secretHash, now, id)
  }

  /** Makes every token issued to the client so far invalid. */
  changeTokenSalt(id: string): void {
    this.#db.prepare('UPDATE clients SET token_salt = ? WHERE id = ?').run(randomBytes(16).toString('hex'), id)
  }

  /** Tokens and codes go with it by foreign keys. */
  delete(id: string): void {
    this.#db.prepare('DELETE FROM clients WHERE id = ?').run(id)
  }

  /** Makes the configured clients what the configuration says, and drops those that it no longer names. */
  replaceConfigured(configured: readonly { id: string; details: ClientDetails }[], now: number): void {
    const upsert = this.#db.prepare(
      `INSERT INTO clients (id, secret_hash, from_config, details, token_salt, updated_at) VALUES (?, NULL, 1, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET secret_hash = NULL, from_config = 1, details = excluded.details`,
    )
    for (const { id, details } of configured) {
      upsert.run(id, JSON.stringify(details), randomBytes(16).toString('hex'), now)
    }
    this.#db
      .prepare(`DELETE FROM clients WHERE from_config = 1 AND id NOT IN (${configured.map(() => '?').join(', ')})`)
      .run(...configured.map(({ id }) => id))
  }
}

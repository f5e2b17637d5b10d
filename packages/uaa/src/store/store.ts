import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { Clients } from './clients.ts'
import { inTransaction, openDatabase } from './database.ts'
import { Groups } from './groups.ts'
import { Tokens } from './tokens.ts'
import { Users } from './users.ts'

/** Everything that outlives the process, except for the signing keys. */
export class Store {
  readonly users: Users
  readonly groups: Groups
  readonly clients: Clients
  readonly tokens: Tokens
  /** Keys the revocation signatures: they stand in tokens, and must not let anyone guess at a secret. */
  readonly revocationKey: Buffer
  readonly #db: DatabaseSync

  constructor(dataDirectory: string) {
    this.#db = openDatabase(dataDirectory)
    this.users = new Users(this.#db)
    this.groups = new Groups(this.#db)
    this.clients = new Clients(this.#db)
    this.tokens = new Tokens(this.#db)
    this.revocationKey = this.#secret('revocation_key')
  }

  /** One transaction over all tables. `work` must be synchronous. */
  transaction<T>(work: () => T): T {
    return inTransaction(this.#db, work)
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  #secret(name: string): Buffer {
    this.#db
      .prepare('INSERT INTO server_secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING')
      .run(name, randomBytes(32).toString('base64'))
    const row = this.#db.prepare('SELECT value FROM server_secrets WHERE name = ?').get(name)
    return Buffer.from(String(row?.value), 'base64')
  }
}

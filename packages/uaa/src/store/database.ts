import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Each step is applied once, in order; `PRAGMA user_version` counts them. Append only. */
const migrations = [
  `
  CREATE TABLE users (
    id TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    user_name_folded TEXT NOT NULL,
    origin TEXT NOT NULL,
    external_id TEXT,
    given_name TEXT,
    family_name TEXT,
    email TEXT NOT NULL,
    phone_number TEXT,
    active INTEGER NOT NULL DEFAULT 1,
    verified INTEGER NOT NULL DEFAULT 1,
    password_hash TEXT,
    password_is_well_known INTEGER NOT NULL DEFAULT 0,
    password_changed_at INTEGER NOT NULL,
    token_salt TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    last_login_at INTEGER,
    previous_login_at INTEGER,
    UNIQUE (user_name_folded, origin)
  ) STRICT;
  CREATE INDEX users_created_at ON users (created_at, id);

  CREATE TABLE login_failures (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    failed_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX login_failures_user ON login_failures (user_id, failed_at);

  CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    display_name_folded TEXT NOT NULL UNIQUE,
    description TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE memberships (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    member_id TEXT NOT NULL,
    member_type TEXT NOT NULL CHECK (member_type IN ('USER', 'GROUP')),
    PRIMARY KEY (group_id, member_id)
  ) STRICT;
  CREATE INDEX memberships_member ON memberships (member_id);

  CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT,
    secret_hash TEXT,
    from_config INTEGER NOT NULL DEFAULT 0,
    details TEXT NOT NULL,
    token_salt TEXT NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    grant_type TEXT NOT NULL,
    authenticated_at INTEGER,
    revocation_signature TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX tokens_user ON tokens (user_id);
  CREATE INDEX tokens_client ON tokens (client_id);
  CREATE INDEX tokens_expires_at ON tokens (expires_at);

  CREATE TABLE authorization_codes (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE server_secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  `,
]

/**
 * Opens uaa.db in the data directory, readable by its owner alone, and brings its tables up to date.
 * Throws when the file is of a newer version of this program.
 */
export function openDatabase(dataDirectory: string): DatabaseSync {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const file = join(dataDirectory, 'uaa.db')
  closeSync(openSync(file, 'a', 0o600))
  const db = new DatabaseSync(file, { timeout: 5_000 })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    // SQLite's own lower() knows ASCII only.
    db.function('fold', { deterministic: true }, (value) => (typeof value === 'string' ? value.toLowerCase() : value))
    migrate(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Runs `work` in one transaction. It must be synchronous: nothing else may come between its statements. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

function migrate(db: DatabaseSync): void {
  inTransaction(db, () => {
    const row = db.prepare('PRAGMA user_version').get()
    const version = Number(row?.user_version)
    if (version > migrations.length) {
      throw new Error(`uaa.db has version ${version}, but this program knows versions up to ${migrations.length} only`)
    }
    for (const statements of migrations.slice(version)) db.exec(statements)
    db.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && /^UNIQUE constraint failed/.test(error.message)
}

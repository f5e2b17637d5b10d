import { randomBytes, randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { scimAlreadyExists, scimConflict, scimNotFound } from '../errors.ts'
import type { CompiledQuery } from '../scim/filter-sql.ts'
import { inTransaction, isUniqueViolation } from './database.ts'

const flag = z.number().transform((value) => value !== 0)

/** Times are milliseconds since the epoch. */
const UserRow = z.object({
  id: z.string(),
  user_name: z.string(),
  origin: z.string(),
  external_id: z.string().nullable(),
  given_name: z.string().nullable(),
  family_name: z.string().nullable(),
  email: z.string(),
  phone_number: z.string().nullable(),
  active: flag,
  verified: flag,
  password_hash: z.string().nullable(),
  password_changed_at: z.number(),
  token_salt: z.string(),
  created_at: z.number(),
  updated_at: z.number(),
  version: z.number(),
  last_login_at: z.number().nullable(),
  previous_login_at: z.number().nullable(),
})
export type User = z.infer<typeof UserRow>

/** What a client says about a user. */
export interface UserProfile {
  readonly user_name: string
  readonly origin: string
  readonly external_id: string | null
  readonly given_name: string | null
  readonly family_name: string | null
  readonly email: string
  readonly phone_number: string | null
  readonly active: boolean
  readonly verified: boolean
}

export interface NewPassword {
  readonly hash: string
  readonly isWellKnown: boolean
}

export class Users {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Throws UaaError 404. */
  get(id: string): User {
    const user = this.find(id)
    if (!user) throw scimNotFound(`User ${id} does not exist`)
    return user
  }

  find(id: string): User | undefined {
    const row = this.#db.prepare('SELECT * FROM users WHERE id = ?').get(id)
    return row && UserRow.parse(row)
  }

  /** User names are told apart by their letters, not by their case. */
  findByName(userName: string, origin: string): User | undefined {
    const row = this.#db
      .prepare('SELECT * FROM users WHERE user_name_folded = ? AND origin = ?')
      .get(userName.toLowerCase(), origin)
    return row && UserRow.parse(row)
  }

  /** One page, and how many users match in all. */
  list(query: CompiledQuery, page: { offset: number; limit: number }): { users: User[]; total: number } {
    const { total } = z
      .object({ total: z.number() })
      .parse(this.#db.prepare(`SELECT count(*) AS total FROM users WHERE ${query.where}`).get(...query.parameters))
    const rows = this.#db
      .prepare(`SELECT * FROM users WHERE ${query.where} ORDER BY ${query.orderBy}, id LIMIT ? OFFSET ?`)
      .all(...query.parameters, page.limit, page.offset)
    return { users: rows.map((row) => UserRow.parse(row)), total }
  }

  /** `password` is null for a user of another origin. Throws UaaError 409 when name and origin are taken. */
  create(profile: UserProfile, password: NewPassword | null, now: number): User {
    const id = randomUUID()
    try {
      this.#db
        .prepare(
          `INSERT INTO users (id, user_name, user_name_folded, origin, external_id, given_name, family_name, email,
             phone_number, active, verified, password_hash, password_is_well_known, password_changed_at, token_salt,
             created_at, updated_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          id,
          ...profileValues(profile),
          password?.hash ?? null,
          Number(password?.isWellKnown ?? false),
          now,
          newSalt(),
          now,
          now,
        )
    } catch (error) {
      if (isUniqueViolation(error)) throw this.#nameTaken(profile)
      throw error
    }
    return this.get(id)
  }

  /** Throws UaaError 404, and 409 when `version` is no longer the user's, or the new name is taken. */
  update(id: string, profile: UserProfile, version: number, now: number): User {
    try {
      const { changes } = this.#db
        .prepare(
          `UPDATE users SET user_name = ?, user_name_folded = ?, origin = ?, external_id = ?, given_name = ?,
             family_name = ?, email = ?, phone_number = ?, active = ?, verified = ?, updated_at = ?, version = version + 1
           WHERE id = ? AND version = ?`,
        )
        .run(...profileValues(profile), now, id, version)
      if (changes === 0) {
        const found = this.get(id).version
        throw scimConflict(
          `Attempt to update a user (${id}) with wrong version: expected=${found} but found=${version}`,
        )
      }
    } catch (error) {
      if (isUniqueViolation(error)) throw this.#nameTaken(profile)
      throw error
    }
    return this.get(id)
  }

  /** Ends every token of the user too, because their revocation signature covers the password. */
  setPassword(id: string, password: NewPassword, now: number): void {
    this.#db
      .prepare(
        `UPDATE users SET password_hash = ?, password_is_well_known = ?, password_changed_at = ?, updated_at = ?,
           version = version + 1 WHERE id = ?`,
      )
      .run(password.hash, Number(password.isWellKnown), now, now, id)
  }

  /** Makes every token issued to the user so far invalid. */
  changeTokenSalt(id: string): void {
    this.#db.prepare('UPDATE users SET token_salt = ? WHERE id = ?').run(newSalt(), id)
  }

  recordLogin(id: string, now: number): void {
    inTransaction(this.#db, () => {
      this.#db
        .prepare('UPDATE users SET previous_login_at = last_login_at, last_login_at = ? WHERE id = ?')
        .run(now, id)
      this.#db.prepare('DELETE FROM login_failures WHERE user_id = ?').run(id)
    })
  }

  /** Tokens, codes and failures go with the user by foreign keys; memberships also name groups, so they have none. */
  delete(id: string): void {
    inTransaction(this.#db, () => {
      this.#db.prepare('DELETE FROM memberships WHERE member_id = ?').run(id)
      this.#db.prepare('DELETE FROM users WHERE id = ?').run(id)
    })
  }

  recordFailure(userId: string, now: number): void {
    this.#db.prepare('INSERT INTO login_failures (user_id, failed_at) VALUES (?, ?)').run(userId, now)
  }

  /** Failures since the last login, newest first; older ones are forgotten. */
  failuresSince(userId: string, since: number): number[] {
    this.#db.prepare('DELETE FROM login_failures WHERE user_id = ? AND failed_at <= ?').run(userId, since)
    return this.#db
      .prepare('SELECT failed_at FROM login_failures WHERE user_id = ? ORDER BY failed_at DESC')
      .all(userId)
      .map((row) => Number(row.failed_at))
  }

  /** Users of any of these groups whose password a stranger would guess. */
  withWellKnownPassword(groupNames: readonly string[]): string[] {
    return this.#db
      .prepare(
        `SELECT DISTINCT users.user_name FROM users
         JOIN memberships ON memberships.member_id = users.id JOIN groups ON groups.id = memberships.group_id
         WHERE users.password_is_well_known = 1 AND users.active = 1
           AND groups.display_name IN (${groupNames.map(() => '?').join(', ')})`,
      )
      .all(...groupNames)
      .map((row) => String(row.user_name))
  }

  /** Carries the other's id and state, so that the Cloud Controller can take it up (cloud_controller_ng: uaa_client.rb). */
  #nameTaken(profile: UserProfile) {
    const other = this.findByName(profile.user_name, profile.origin)
    return scimAlreadyExists(
      `Username already in use: ${profile.user_name}`,
      other ? { active: other.active, verified: other.verified, user_id: other.id } : {},
    )
  }
}

function profileValues(profile: UserProfile) {
  return [
    profile.user_name,
    profile.user_name.toLowerCase(),
    profile.origin,
    profile.external_id,
    profile.given_name,
    profile.family_name,
    profile.email,
    profile.phone_number,
    Number(profile.active),
    Number(profile.verified),
  ] as const
}

const newSalt = () => randomBytes(16).toString('hex')

import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { memberAlreadyExists, memberNotFound, scimAlreadyExists, scimConflict, scimNotFound } from '../errors.ts'
import type { CompiledQuery } from '../scim/filter-sql.ts'
import { isUniqueViolation } from './database.ts'

const GroupRow = z.object({
  id: z.string(),
  display_name: z.string(),
  description: z.string().nullable(),
  created_at: z.number(),
  updated_at: z.number(),
  version: z.number(),
})
export type Group = z.infer<typeof GroupRow>

const MemberRow = z.object({
  member_id: z.string(),
  member_type: z.enum(['USER', 'GROUP']),
  origin: z.string().nullable(),
})
export type Member = z.infer<typeof MemberRow>

const membersOf = `
  SELECT memberships.member_id, memberships.member_type, users.origin FROM memberships
  LEFT JOIN users ON users.id = memberships.member_id WHERE memberships.group_id = ?`

/** A group is a scope: who is a member may have it in a token. */
export class Groups {
  readonly #db: DatabaseSync

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Throws UaaError 404. */
  get(id: string): Group {
    const group = this.find(id)
    if (!group) throw scimNotFound(`Group ${id} does not exist`)
    return group
  }

  find(id: string): Group | undefined {
    const row = this.#db.prepare('SELECT * FROM groups WHERE id = ?').get(id)
    return row && GroupRow.parse(row)
  }

  findByName(displayName: string): Group | undefined {
    const row = this.#db.prepare('SELECT * FROM groups WHERE display_name_folded = ?').get(displayName.toLowerCase())
    return row && GroupRow.parse(row)
  }

  list(query: CompiledQuery, page: { offset: number; limit: number }): { groups: Group[]; total: number } {
    const { total } = z
      .object({ total: z.number() })
      .parse(this.#db.prepare(`SELECT count(*) AS total FROM groups WHERE ${query.where}`).get(...query.parameters))
    const rows = this.#db
      .prepare(`SELECT * FROM groups WHERE ${query.where} ORDER BY ${query.orderBy}, id LIMIT ? OFFSET ?`)
      .all(...query.parameters, page.limit, page.offset)
    return { groups: rows.map((row) => GroupRow.parse(row)), total }
  }

  /** Throws UaaError 409 when there is one of that name. */
  create(displayName: string, description: string | null, now: number): Group {
    const id = randomUUID()
    try {
      this.#db
        .prepare(
          `INSERT INTO groups (id, display_name, display_name_folded, description, created_at, updated_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
        )
        .run(id, displayName, displayName.toLowerCase(), description, now, now)
    } catch (error) {
      if (isUniqueViolation(error)) throw nameTaken(displayName)
      throw error
    }
    return this.get(id)
  }

  /** Throws UaaError 404, and 409 when `version` is no longer the group's, or the new name is taken. */
  update(id: string, group: { displayName: string; description: string | null; version: number }, now: number): Group {
    try {
      const { changes } = this.#db
        .prepare(
          `UPDATE groups SET display_name = ?, display_name_folded = ?, description = ?, updated_at = ?,
             version = version + 1 WHERE id = ? AND version = ?`,
        )
        .run(group.displayName, group.displayName.toLowerCase(), group.description, now, id, group.version)
      if (changes === 0) {
        const { version } = this.get(id)
        throw scimConflict(
          `Attempt to update a group (${id}) with wrong version: expected=${version} but found=${group.version}`,
        )
      }
    } catch (error) {
      if (isUniqueViolation(error)) throw nameTaken(group.displayName)
      throw error
    }
    return this.get(id)
  }

  delete(id: string): void {
    this.#db.prepare('DELETE FROM memberships WHERE member_id = ?').run(id)
    this.#db.prepare('DELETE FROM groups WHERE id = ?').run(id)
  }

  members(groupId: string): Member[] {
    return this.#db
      .prepare(`${membersOf} ORDER BY memberships.rowid`)
      .all(groupId)
      .map((row) => MemberRow.parse(row))
  }

  /** Throws UaaError 404. */
  member(groupId: string, memberId: string): Member {
    const row = this.#db.prepare(`${membersOf} AND memberships.member_id = ?`).get(groupId, memberId)
    if (!row) throw memberNotFound(`Member ${memberId} does not exist in group ${groupId}`)
    return MemberRow.parse(row)
  }

  /** Throws UaaError 409 for one that is a member already. */
  addMember(groupId: string, memberId: string, type: Member['member_type']): void {
    try {
      this.#db
        .prepare('INSERT INTO memberships (group_id, member_id, member_type) VALUES (?, ?, ?)')
        .run(groupId, memberId, type)
    } catch (error) {
      if (isUniqueViolation(error)) throw memberAlreadyExists(`${memberId} is already part of the group: ${groupId}`)
      throw error
    }
  }

  removeMember(groupId: string, memberId: string): void {
    this.#db.prepare('DELETE FROM memberships WHERE group_id = ? AND member_id = ?').run(groupId, memberId)
  }

  removeMembers(groupId: string): void {
    this.#db.prepare('DELETE FROM memberships WHERE group_id = ?').run(groupId)
  }

  /** Groups of a user, directly or through other groups. */
  groupsOf(userId: string): { group: Group; direct: boolean }[] {
    return this.#db
      .prepare(
        `WITH RECURSIVE reached (group_id) AS (
           SELECT group_id FROM memberships WHERE member_id = ?1
           UNION
           SELECT memberships.group_id FROM memberships JOIN reached ON memberships.member_id = reached.group_id
         )
         SELECT groups.*,
           EXISTS (SELECT 1 FROM memberships WHERE group_id = groups.id AND member_id = ?1) AS direct
         FROM groups JOIN reached ON reached.group_id = groups.id ORDER BY groups.display_name`,
      )
      .all(userId)
      .map((row) => ({ group: GroupRow.parse(row), direct: row.direct === 1 }))
  }
}

const nameTaken = (displayName: string) => scimAlreadyExists(`A group with displayName: ${displayName} already exists.`)

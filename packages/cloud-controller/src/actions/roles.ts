import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import type { Db, RoleType, Row, Trx } from '../db/schema.ts'
import { organizationRoleTypes } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Actor, recordAuditEvent } from './audit-events.ts'
import { knowUser } from './users.ts'

/** Who holds a role; the name is null when UAA does not know or did not answer. */
export interface RoleUser {
  readonly guid: string
  readonly username: string | null
}

export interface NewRole {
  readonly type: RoleType
  readonly user: RoleUser
  /** The space, or the organization of an organization role. */
  readonly place:
    | { readonly space: Pick<Row<'spaces'>, 'guid' | 'name' | 'organization_guid'> }
    | { readonly organization: Pick<Row<'organizations'>, 'guid' | 'name'> }
  /** The body, for the event. */
  readonly request: object
}

/** What a space role says of a user without a role in the space's organization, and of one that is not seen. */
export const lacksOrganizationRole = (): Error =>
  unprocessable(`Users cannot be assigned roles in a space if they do not have a role in that space's organization.`)

/**
 * Gives a user a role; an organization role makes the user's row if there is none. Throws 422 when the user has the role, or
 * would get a space role without one in the organization. Source: cloud_controller_ng app/actions/role_create.rb.
 */
export async function createRole(trx: Trx, actor: Actor, { type, user, place, request }: NewRole): Promise<string> {
  const guid = randomUUID()
  const time = now()
  const isInSpace = 'space' in place
  const organizationGuid = isInSpace ? place.space.organization_guid : place.organization.guid
  if (isInSpace) await requireOrganizationRole(trx, user.guid, organizationGuid)
  else await knowUser(trx, user.guid)
  const where = isInSpace ? `space '${place.space.name}'` : `organization '${place.organization.name}'`
  const row = { type, user_guid: user.guid, space_guid: isInSpace ? place.space.guid : null }
  await uniquely(
    () =>
      trx
        .insertInto('roles')
        .values({ guid, created_at: time, updated_at: time, organization_guid: organizationGuid, ...row })
        .execute(),
    () => unprocessable(`User '${user.username ?? user.guid}' already has '${type}' role in ${where}.`),
  )
  await record(trx, actor, 'add', { ...row, organization_guid: organizationGuid }, user.username, request)
  return guid
}

async function requireOrganizationRole(trx: Trx, userGuid: string, organizationGuid: string): Promise<void> {
  const role = await trx
    .selectFrom('roles')
    .select('id')
    .where('user_guid', '=', userGuid)
    .where('organization_guid', '=', organizationGuid)
    .where('type', 'in', organizationRoleTypes)
    .limit(1)
    .executeTakeFirst()
  if (!role) throw lacksOrganizationRole()
}

/** Whether somebody who is only in the organization because of this role still has roles in its spaces. */
export async function hasSpaceRoles(db: Db, role: Row<'roles'>): Promise<boolean> {
  const spaceRole = await db
    .selectFrom('roles')
    .select('id')
    .where('user_guid', '=', role.user_guid)
    .where('organization_guid', '=', role.organization_guid)
    .where('space_guid', 'is not', null)
    .limit(1)
    .executeTakeFirst()
  return spaceRole !== undefined
}

/** Takes the role away. Nothing happens when it is gone already. */
export async function deleteRole(trx: Trx, actor: Actor, guid: string, username: string | null): Promise<void> {
  const role = await trx.deleteFrom('roles').where('guid', '=', guid).returningAll().executeTakeFirst()
  if (role) await record(trx, actor, 'remove', role, username, {})
}

async function record(
  trx: Trx,
  actor: Actor,
  verb: 'add' | 'remove',
  role: Pick<Row<'roles'>, 'type' | 'user_guid' | 'space_guid' | 'organization_guid'>,
  username: string | null,
  request: object,
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.user.${role.type}_${verb}`,
    target: { guid: role.user_guid, type: 'user', name: username ?? '' },
    data: { request },
    spaceGuid: role.space_guid,
    organizationGuid: role.organization_guid,
  })
}

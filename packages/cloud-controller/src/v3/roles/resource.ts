import { z } from 'zod'
import { type Db, organizationRoleTypes, type RoleType, type Row, spaceRoleTypes } from '../../db/schema.ts'
import { organizationGuidsReadBy, spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { one, oneOrNone } from '../kit/answer-fields.ts'
import { includedRows } from '../kit/included.ts'
import { type Included, resource, type View } from '../kit/resource.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'
import { users } from '../users/resource.ts'

/** Roles of organizations and of spaces. A space role's row also names the organization, but clients are not told. */
export const roles = resource({
  singular: 'Role',
  type: 'role',
  path: '/v3/roles',
  table: 'roles',
  hasMetadata: false,
  fields: () =>
    z.object({
      type: z.enum([...organizationRoleTypes, ...spaceRoleTypes]),
      relationships: z.object({ user: one, organization: oneOrNone, space: oneOrNone }),
    }),
  select: (db: Db) => db.selectFrom('roles').selectAll('roles'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally
      ? query
      : query.where((eb) =>
          eb.or([
            eb('roles.space_guid', 'in', spaceGuidsReadBy(db, caller)),
            eb.and([
              eb('roles.space_guid', 'is', null),
              eb('roles.organization_guid', 'in', organizationGuidsReadBy(db, caller)),
            ]),
          ]),
        ),
  filters: {
    organization_guids: (query, guids) =>
      query.where('roles.organization_guid', 'in', guids).where('roles.space_guid', 'is', null),
    space_guids: (query, guids) => query.where('roles.space_guid', 'in', guids),
    user_guids: (query, guids) => query.where('roles.user_guid', 'in', guids),
    types: (query, types) => query.where('roles.type', 'in', types as RoleType[]),
  },
  impliedOrder: 'created_at',
  include: { user: includedUsers, organization: includedOrganizations, space: includedSpaces },
  present: (role) => ({
    fields: {
      type: role.type,
      relationships: {
        user: { data: { guid: role.user_guid } },
        organization: { data: role.space_guid === null ? { guid: role.organization_guid } : null },
        space: { data: role.space_guid === null ? null : { guid: role.space_guid } },
      },
    },
    links: {
      user: `/v3/users/${encodeURIComponent(role.user_guid)}`,
      organization: role.space_guid === null ? `/v3/organizations/${role.organization_guid}` : null,
      space: role.space_guid === null ? null : `/v3/spaces/${role.space_guid}`,
    },
  }),
})

function includedUsers(db: Db, rows: ReadonlyArray<Row<'roles'>>, view: View): Promise<Included> {
  return includedRows(db, users, { key: 'users', guids: rows.map((role) => role.user_guid), view })
}

function includedOrganizations(db: Db, rows: ReadonlyArray<Row<'roles'>>, view: View): Promise<Included> {
  const guids = rows.flatMap((role) => (role.space_guid === null ? [role.organization_guid] : []))
  return includedRows(db, organizations, { key: 'organizations', guids, view })
}

function includedSpaces(db: Db, rows: ReadonlyArray<Row<'roles'>>, view: View): Promise<Included> {
  const guids = rows.flatMap((role) => role.space_guid ?? [])
  return includedRows(db, spaces, { key: 'spaces', guids, view })
}

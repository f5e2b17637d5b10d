import type { Db, OrganizationRoleType, SpaceRoleType } from '../db/schema.ts'
import { organizationRoleTypes, spaceRoleTypes } from '../db/schema.ts'
import type { Caller } from './caller.ts'

/*
 * "Read by" queries: what a caller sees, as subqueries for `in (…)`, so that visibility is part of every statement.
 * Not for callers that read globally: for them leave the condition out.
 */

/** Organizations in which the caller has one of the roles (any organization role unless told). */
export function organizationGuidsReadBy(
  db: Db,
  caller: Caller,
  types: readonly OrganizationRoleType[] = organizationRoleTypes,
) {
  return db
    .selectFrom('roles')
    .select('roles.organization_guid')
    .where('roles.user_guid', '=', caller.userGuid)
    .where('roles.type', 'in', types)
}

/** Spaces in which the caller has any space role, and all spaces of organizations that it manages. */
export function spaceGuidsReadBy(
  db: Db,
  caller: Caller,
  {
    inSpace = spaceRoleTypes,
    inOrganization = ['organization_manager'],
  }: { inSpace?: readonly SpaceRoleType[]; inOrganization?: readonly OrganizationRoleType[] } = {},
) {
  const byRole = db
    .selectFrom('roles')
    .select('roles.space_guid as guid')
    .where('roles.user_guid', '=', caller.userGuid)
    .where('roles.type', 'in', inSpace)
    .where('roles.space_guid', 'is not', null)
    .$narrowType<{ guid: string }>()
  if (inOrganization.length === 0) return byRole
  return byRole.union(
    db
      .selectFrom('spaces')
      .select('spaces.guid as guid')
      .where('spaces.organization_guid', 'in', organizationGuidsReadBy(db, caller, inOrganization)),
  )
}

/** Spaces whose routes the caller sees: space readers and organization auditors. */
export function routeSpaceGuidsReadBy(db: Db, caller: Caller) {
  return spaceGuidsReadBy(db, caller, { inOrganization: ['organization_manager', 'organization_auditor'] })
}

/**
 * Organizations whose private and shared-in domains the caller sees: its managers and auditors, and everybody with a role
 * in one of its spaces; not billing managers and bare users.
 */
export function domainOrganizationGuidsReadBy(db: Db, caller: Caller) {
  return db
    .selectFrom('roles')
    .select('roles.organization_guid')
    .where('roles.user_guid', '=', caller.userGuid)
    .where('roles.type', 'in', ['organization_manager', 'organization_auditor', ...spaceRoleTypes])
}

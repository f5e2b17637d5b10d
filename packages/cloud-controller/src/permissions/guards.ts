import type { Db, OrganizationRoleType, SpaceRoleType } from '../db/schema.ts'
import { organizationRoleTypes } from '../db/schema.ts'
import { apiError, notAuthorized } from '../errors/api-error.ts'
import type { Caller } from './caller.ts'

interface Holders {
  readonly inSpace: readonly SpaceRoleType[]
  readonly inOrganization: readonly OrganizationRoleType[]
}

/** What one may do in a space, and the roles that may (cloud_controller_ng lib/cloud_controller/permissions.rb). */
export const spaceCapabilities = {
  /** See the space and what is in it. */
  read: {
    inSpace: ['space_developer', 'space_manager', 'space_auditor', 'space_supporter'],
    inOrganization: ['organization_manager'],
  },
  readRoutes: {
    inSpace: ['space_developer', 'space_manager', 'space_auditor', 'space_supporter'],
    inOrganization: ['organization_manager', 'organization_auditor'],
  },
  /** Create and change apps and what belongs to them. */
  write: { inSpace: ['space_developer'], inOrganization: [] },
  /** Start, stop, scale, map routes. */
  manageApps: { inSpace: ['space_developer', 'space_supporter'], inOrganization: [] },
  /** Change the space itself and who has a role in it. */
  update: { inSpace: ['space_manager'], inOrganization: ['organization_manager'] },
  readSecrets: { inSpace: ['space_developer'], inOrganization: [] },
  readEnvironmentVariables: { inSpace: ['space_developer', 'space_supporter'], inOrganization: [] },
  downloadDroplets: {
    inSpace: ['space_developer', 'space_manager', 'space_auditor'],
    inOrganization: ['organization_manager'],
  },
} as const satisfies Record<string, Holders>

export type SpaceCapability = keyof typeof spaceCapabilities

/** What a space capability is granted to whoever reads or writes globally. */
function holdsGlobally(caller: Caller, capability: SpaceCapability): boolean {
  switch (capability) {
    case 'read':
    case 'readRoutes':
    case 'downloadDroplets':
      return caller.readsGlobally
    case 'readSecrets':
    case 'readEnvironmentVariables':
      return caller.readsSecretsGlobally
    default:
      return caller.writesGlobally
  }
}

/** Whether a role of the caller gives it the capability; suspension does not count. One statement at most. */
export async function canInSpace(
  db: Db,
  caller: Caller,
  spaceGuid: string,
  capability: SpaceCapability,
): Promise<boolean> {
  if (holdsGlobally(caller, capability)) return true
  const { inSpace, inOrganization }: Holders = spaceCapabilities[capability]
  const role = await db
    .selectFrom('spaces')
    .innerJoin('roles', 'roles.organization_guid', 'spaces.organization_guid')
    .select('roles.id')
    .where('spaces.guid', '=', spaceGuid)
    .where('roles.user_guid', '=', caller.userGuid)
    .where((eb) =>
      eb.or([
        eb.and([eb('roles.space_guid', '=', spaceGuid), eb('roles.type', 'in', [...inSpace])]),
        ...(inOrganization.length > 0 ? [eb('roles.type', 'in', [...inOrganization])] : []),
      ]),
    )
    .limit(1)
    .executeTakeFirst()
  return role !== undefined
}

/**
 * Throws 403 unless the caller has the capability and the space may be written to: 403/10003 without the role, then what
 * `requireActiveSpace` says.
 */
export async function requireInSpace(
  db: Db,
  caller: Caller,
  spaceGuid: string,
  capability: Exclude<SpaceCapability, 'read' | 'readRoutes' | 'readSecrets'>,
): Promise<void> {
  if (!(await canInSpace(db, caller, spaceGuid, capability))) throw notAuthorized()
  await requireActiveSpace(db, caller, spaceGuid)
}

/**
 * Writes of a non-admin are refused while the organization or the space is being deleted (422/10020) or suspended
 * (403/10017, 403/10019), in this order; a manager of the organization passes over what ails the space (permissions.rb, writable_space_state).
 */
export async function requireActiveSpace(db: Db, caller: Caller, spaceGuid: string): Promise<void> {
  if (caller.writesGlobally) return
  const space = await db
    .selectFrom('spaces')
    .innerJoin('organizations', 'organizations.guid', 'spaces.organization_guid')
    .select(['spaces.status', 'spaces.organization_guid', 'organizations.status as organization_status'])
    .where('spaces.guid', '=', spaceGuid)
    .executeTakeFirst()
  if (!space) return
  requireActiveStatus(space.organization_status, 'organization')
  if (space.status === 'active' || (await isOrganizationManager(db, caller, space.organization_guid))) return
  requireActiveStatus(space.status, 'space')
}

/** How the space stands for writes of the caller; nothing binds an admin. For writes that answer 422 instead of 403. */
export async function writableSpaceState(
  db: Db,
  caller: Caller,
  spaceGuid: string,
): Promise<'active' | 'suspended' | 'deleting'> {
  if (caller.writesGlobally) return 'active'
  const space = await db
    .selectFrom('spaces')
    .innerJoin('organizations', 'organizations.guid', 'spaces.organization_guid')
    .select(['spaces.status', 'spaces.organization_guid', 'organizations.status as organization_status'])
    .where('spaces.guid', '=', spaceGuid)
    .executeTakeFirst()
  if (!space) return 'active'
  if (space.organization_status !== 'active') return space.organization_status
  return (await isOrganizationManager(db, caller, space.organization_guid)) ? 'active' : space.status
}

function requireActiveStatus(status: 'active' | 'suspended' | 'deleting', what: 'organization' | 'space'): void {
  if (status === 'deleting') throw apiError('ResourceBeingDeleted', what)
  if (status === 'suspended') throw apiError(what === 'organization' ? 'OrgSuspended' : 'SpaceSuspended')
}

async function hasOrganizationRole(
  db: Db,
  caller: Caller,
  organizationGuid: string,
  types: readonly OrganizationRoleType[],
): Promise<boolean> {
  const role = await db
    .selectFrom('roles')
    .select('id')
    .where('user_guid', '=', caller.userGuid)
    .where('organization_guid', '=', organizationGuid)
    .where('type', 'in', types)
    .limit(1)
    .executeTakeFirst()
  return role !== undefined
}

export const isOrganizationManager = (db: Db, caller: Caller, organizationGuid: string): Promise<boolean> =>
  hasOrganizationRole(db, caller, organizationGuid, ['organization_manager'])

/** Whether the caller sees the organization: any role in it. */
export async function canReadOrganization(db: Db, caller: Caller, organizationGuid: string): Promise<boolean> {
  return caller.readsGlobally || (await hasOrganizationRole(db, caller, organizationGuid, organizationRoleTypes))
}

/** Whether the caller manages the organization or is an admin; suspension does not count. */
export async function canWriteOrganization(db: Db, caller: Caller, organizationGuid: string): Promise<boolean> {
  return caller.writesGlobally || (await isOrganizationManager(db, caller, organizationGuid))
}

/** Throws 403 unless the caller manages the organization (or is an admin), and what its suspension or deletion says. */
export async function requireWritableOrganization(
  db: Db,
  caller: Caller,
  organization: { guid: string; status: 'active' | 'suspended' | 'deleting' },
): Promise<void> {
  if (caller.writesGlobally) return
  if (!(await isOrganizationManager(db, caller, organization.guid))) throw notAuthorized()
  requireActiveStatus(organization.status, 'organization')
}

/** Throws 403 unless the caller is an admin. */
export function requireAdmin(caller: Caller): void {
  if (!caller.writesGlobally) throw notAuthorized()
}

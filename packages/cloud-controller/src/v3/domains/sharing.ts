import type { Db, Row } from '../../db/schema.ts'
import { notAuthorized, unprocessable } from '../../errors/api-error.ts'
import type { Caller } from '../../permissions/caller.ts'
import { canReadOrganization, canWriteOrganization, requireWritableOrganization } from '../../permissions/guards.ts'

export async function organizationWithGuid(db: Db, guid: string): Promise<Row<'organizations'> | undefined> {
  return db.selectFrom('organizations').selectAll().where('guid', '=', guid).executeTakeFirst()
}

/** Throws 403 unless the caller may change the domain: a manager of the owning organization, for a shared domain an admin. */
export async function requireWritableDomain(db: Db, caller: Caller, domain: Row<'domains'>): Promise<void> {
  if (caller.writesGlobally) return
  const owner = domain.owning_organization_guid && (await organizationWithGuid(db, domain.owning_organization_guid))
  if (!owner) throw notAuthorized()
  await requireWritableOrganization(db, caller, owner)
}

/**
 * The organizations that a domain is to be shared with. Throws 422 unless all exist, are seen and managed by the caller, are
 * active, and none is the owner (domains_controller.rb, verify_shared_organizations_guids!).
 */
export async function organizationsToShareWith(
  db: Db,
  caller: Caller,
  requested: readonly string[],
  ownerGuid: string | null,
): Promise<string[]> {
  const guids = [...new Set(requested)]
  if (guids.length === 0) return []
  const found = await db.selectFrom('organizations').selectAll().where('guid', 'in', guids).orderBy('id').execute()
  const missing = guids.find((guid) => !found.some((organization) => organization.guid === guid))
  if (missing !== undefined)
    throw unprocessable(`Organization with guid '${missing}' does not exist, or you do not have access to it.`)
  for (const organization of found) await requireShareable(db, caller, organization)
  if (ownerGuid !== null && guids.includes(ownerGuid))
    throw unprocessable('Domain cannot be shared with owning organization.')
  return guids
}

async function requireShareable(db: Db, caller: Caller, { guid, name, status }: Row<'organizations'>): Promise<void> {
  if (!(await canReadOrganization(db, caller, guid)))
    throw unprocessable(`Organization with guid '${guid}' either does not exist, or you do not have access to it.`)
  if (!(await canWriteOrganization(db, caller, guid)))
    throw unprocessable(`You do not have sufficient permissions for organization '${name}' to share domain.`)
  if (status !== 'active' && !caller.writesGlobally) throw unprocessable(`Organization '${name}' is suspended.`)
}

/**
 * Throws unless the caller manages the owner or the organization that the domain is taken back from; what ails one of them
 * counts only if the other can't be used (domains_controller.rb, check_unshare_domain_permissions!).
 */
export async function requireUnshareable(
  db: Db,
  caller: Caller,
  domain: Row<'domains'>,
  organization: Row<'organizations'>,
): Promise<void> {
  if (caller.writesGlobally) return
  const owner = domain.owning_organization_guid
    ? await organizationWithGuid(db, domain.owning_organization_guid)
    : undefined
  const managed = []
  for (const candidate of [owner, organization])
    if (candidate && (await canWriteOrganization(db, caller, candidate.guid))) managed.push(candidate)
  if (managed.some(({ status }) => status === 'active')) return
  const [first] = managed
  if (!first) throw notAuthorized()
  await requireWritableOrganization(db, caller, first)
}

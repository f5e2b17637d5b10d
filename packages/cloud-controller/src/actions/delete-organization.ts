import type { Db, Row, Trx } from '../db/schema.ts'
import { apiError } from '../errors/api-error.ts'
import { deleteMetadata } from '../v3/kit/metadata.ts'
import { deleteDomain } from './domains.ts'

/** Throws 502/290010 while a private domain of the organization is shared with others, who would lose it. */
export async function requireUnsharedDomains(db: Db, organization: Row<'organizations'>): Promise<void> {
  const shared = await db
    .selectFrom('domains')
    .innerJoin('domain_shared_organizations', 'domain_shared_organizations.domain_guid', 'domains.guid')
    .select('domains.name')
    .distinct()
    .where('domains.owning_organization_guid', '=', organization.guid)
    .orderBy('domains.name')
    .execute()
  if (shared.length === 0) return
  const reasons = shared.map(
    ({ name }) => `Domain '${name}' is shared with other organizations. Unshare before deleting.`,
  )
  throw organizationDeletionFailed(organization.name, reasons)
}

/** 502/290010 with each reason after a blank line (semantics, section 12). */
export function organizationDeletionFailed(name: string, reasons: readonly string[]): Error {
  return apiError('OrganizationDeletionFailed', name, reasons.join('\n\n'))
}

/**
 * Removes the rows of an organization whose spaces are gone: its domains, space quotas, roles, shares and entitlements.
 * Throws 502/290010 when a domain has been shared meanwhile. Source: cloud_controller_ng app/actions/organization_delete.rb.
 */
export async function deleteOrganizationRows(trx: Trx, organization: Row<'organizations'>): Promise<void> {
  await requireUnsharedDomains(trx, organization)
  const domains = await trx
    .selectFrom('domains')
    .select('guid')
    .where('owning_organization_guid', '=', organization.guid)
    .execute()
  for (const { guid } of domains) await deleteDomain(trx, guid)
  for (const table of [
    'domain_shared_organizations',
    'isolation_segment_organizations',
    'roles',
    'space_quotas',
  ] as const)
    await trx.deleteFrom(table).where('organization_guid', '=', organization.guid).execute()
  await deleteMetadata(trx, 'organization', [organization.guid])
  await trx.deleteFrom('organizations').where('guid', '=', organization.guid).execute()
}

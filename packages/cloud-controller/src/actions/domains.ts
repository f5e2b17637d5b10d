import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { deleteMetadata, type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { exceeds, lockLimitsOfOrganization } from './binding-quotas.ts'
import { findDomainByName, lockDomain } from './domain-lookup.ts'
import { domainNameConflicts, isPublicSuffix } from './domain-names.ts'
import { deleteRoutes } from './routes.ts'

export interface NewDomain {
  readonly name: string
  readonly internal: boolean
  /** Absent: a shared domain. */
  readonly owner?: { readonly guid: string; readonly name: string } | undefined
  readonly sharedOrganizationGuids?: readonly string[]
  readonly metadata?: MetadataMessage | undefined
}

/**
 * Creates a domain. Throws 422 when the name is taken, reserved, or would take away from what others have, and
 * beyond the quota of its organization.
 * Source: cloud_controller_ng app/actions/domain_create.rb.
 */
export async function createDomain(trx: Trx, domain: NewDomain): Promise<string> {
  const { name, owner } = domain
  await requireFreeName(trx, domain)
  const guid = randomUUID()
  const time = now()
  await uniquely(
    () =>
      trx
        .insertInto('domains')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          name,
          internal: domain.internal ? 1 : 0,
          router_group_guid: null,
          owning_organization_guid: owner?.guid ?? null,
        })
        .execute(),
    () => nameInUse(name),
  )
  await saveMetadata(trx, { type: 'domain', guid }, domain.metadata)
  await shareDomain(trx, guid, domain.sharedOrganizationGuids ?? [])
  return guid
}

const nameInUse = (name: string): Error => unprocessable(`The domain name "${name}" is already in use`)

async function requireFreeName(trx: Trx, { name, owner }: NewDomain): Promise<void> {
  if (await findDomainByName(trx, name)) throw nameInUse(name)
  if (owner && (await isPublicSuffix(name)))
    throw unprocessable(`The "${name}" domain is reserved and cannot be used for org-scoped domains.`)
  if (owner) await requireRoomForDomain(trx, owner.guid) // before the conflicts, as CC orders them
  const conflicts = await domainNameConflicts(trx, { name, ownerGuid: owner?.guid ?? null })
  if (conflicts.length > 0) throw unprocessable(conflicts.join(', '))
}

/** Only domains that the organization owns count, not those that are shared with it. */
async function requireRoomForDomain(trx: Trx, organizationGuid: string): Promise<void> {
  const { name, limits } = await lockLimitsOfOrganization(trx, organizationGuid)
  const { count } = await trx
    .selectFrom('domains')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('owning_organization_guid', '=', organizationGuid)
    .executeTakeFirstOrThrow()
  if (exceeds(Number(count) + 1, limits.total_domains))
    throw unprocessable(`The number of private domains exceeds the quota for organization "${name}"`)
}

/** Lets organizations use a private domain; what is shared already stays so. */
export async function shareDomain(trx: Trx, domainGuid: string, organizationGuids: readonly string[]): Promise<void> {
  if (organizationGuids.length === 0) return
  await trx
    .insertInto('domain_shared_organizations')
    .values(organizationGuids.map((organization_guid) => ({ domain_guid: domainGuid, organization_guid })))
    .onConflict((conflict) => conflict.columns(['domain_guid', 'organization_guid']).doNothing())
    .execute()
}

/**
 * Takes a private domain back from an organization. Throws 422 when it is not shared with it or has routes in it.
 * Source: cloud_controller_ng app/actions/domain_delete_shared_org.rb.
 */
export async function unshareDomain(
  trx: Trx,
  domain: Row<'domains'>,
  organization: { readonly guid: string; readonly name: string },
): Promise<void> {
  const { numDeletedRows } = await trx
    .deleteFrom('domain_shared_organizations')
    .where('domain_guid', '=', domain.guid)
    .where('organization_guid', '=', organization.guid)
    .executeTakeFirst()
  if (numDeletedRows === 0n)
    throw unprocessable(
      `Unable to unshare domain from organization with name '${organization.name}'. Ensure the domain is shared to this organization.`,
    )
  const route = await trx
    .selectFrom('routes')
    .innerJoin('spaces', 'spaces.guid', 'routes.space_guid')
    .select('routes.guid')
    .where('routes.domain_guid', '=', domain.guid)
    .where('spaces.organization_guid', '=', organization.guid)
    .limit(1)
    .executeTakeFirst()
  if (route)
    throw unprocessable('This domain has associated routes in this organization. Delete the routes before unsharing.')
}

/** Removes the domain with its routes. Returns the apps whose routes changed. Does nothing when it is gone. */
export async function deleteDomain(trx: Trx, guid: string): Promise<string[]> {
  if (!(await lockDomain(trx, guid))) return []
  const routes = await trx.selectFrom('routes').select('guid').where('domain_guid', '=', guid).execute()
  const appGuids = await deleteRoutes(
    trx,
    routes.map((route) => route.guid),
  )
  await trx.deleteFrom('domain_shared_organizations').where('domain_guid', '=', guid).execute()
  await deleteMetadata(trx, 'domain', [guid])
  await trx.deleteFrom('domains').where('guid', '=', guid).execute()
  return appGuids
}

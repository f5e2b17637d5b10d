import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Row, Trx } from '../db/schema.ts'
import { apiError, unprocessable } from '../errors/api-error.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Actor, type AuditEvent, recordAuditEvent } from './audit-events.ts'
import {
  limitsWith,
  listed,
  placesWithUnlimitedLogRate,
  type QuotaMessage,
  reservesMorePortsThanRoutes,
  unlimited,
  unlimitedLogRateInPlaces,
} from './quota-limits.ts'

export interface OrganizationQuotaMessage extends QuotaMessage {
  readonly domains?: { readonly total_domains?: number | null | undefined } | undefined
}

type Quota = Row<'organization_quotas'>

/**
 * Creates a quota, unlimited where nothing is said, for these organizations. Throws 422 when the name is taken or an
 * organization is not there. Source: cloud_controller_ng app/actions/organization_quotas_create.rb.
 */
export async function createOrganizationQuota(
  trx: Trx,
  actor: Actor,
  message: OrganizationQuotaMessage & { readonly name: string },
  organizationGuids: readonly string[],
): Promise<string> {
  const time = now()
  const quota = {
    guid: randomUUID(),
    created_at: time,
    updated_at: time,
    name: message.name,
    ...limitsWith(unlimited, message),
    total_domains: message.domains?.total_domains ?? null,
  }
  requireSensiblePorts(quota)
  await uniquely(
    () => trx.insertInto('organization_quotas').values(quota).execute(),
    () => nameTaken(message.name),
  )
  const organizations = await findOrganizations(
    trx,
    organizationGuids,
    (missing) => `Organizations with guids ${missing} do not exist, or you do not have access to them.`,
  )
  await moveOrganizations(trx, organizations, quota.guid)
  await recordEvent(trx, actor, 'create', quota, { data: { request: message } })
  return quota.guid
}

/**
 * Changes name and limits. All limits may be below what is used, except that apps without a limit to their log rate keep it
 * from being limited: 422. Source: cloud_controller_ng app/actions/organization_quotas_update.rb.
 */
export async function updateOrganizationQuota(
  trx: Trx,
  actor: Actor,
  guid: string,
  message: OrganizationQuotaMessage,
): Promise<void> {
  const before = await lockRow(trx, 'organization_quotas', guid)
  if (!before) throw apiError('ResourceNotFound', 'Organization quota not found')
  if (typeof message.apps?.log_rate_limit_in_bytes_per_second === 'number') await requireLimitedLogRates(trx, guid)
  const { id, created_at, ...known } = before
  const quota = {
    ...known,
    ...limitsWith(before, message),
    updated_at: now(),
    name: message.name ?? before.name,
    ...(message.domains?.total_domains !== undefined && { total_domains: message.domains.total_domains }),
  }
  requireSensiblePorts(quota)
  await uniquely(
    () => trx.updateTable('organization_quotas').set(quota).where('guid', '=', guid).execute(),
    () => nameTaken(quota.name),
  )
  await recordEvent(trx, actor, 'update', quota, { data: { request: message } })
}

const nameTaken = (name: string): Error => unprocessable(`Organization Quota '${name}' already exists.`)

function requireSensiblePorts(quota: Parameters<typeof reservesMorePortsThanRoutes>[0]): void {
  if (reservesMorePortsThanRoutes(quota))
    throw unprocessable(
      'Total reserved ports must be -1, 0, or a positive integer, and must be less than or equal to total routes.',
    )
}

async function requireLimitedLogRates(trx: Trx, quotaGuid: string): Promise<void> {
  const organizations = await trx
    .selectFrom('organizations')
    .select(['guid', 'name'])
    .where('quota_guid', '=', quotaGuid)
    .execute()
  const guids = organizations.map(({ guid }) => guid)
  const affected = new Set(await placesWithUnlimitedLogRate(trx, 'organization_guid', guids))
  const names = organizations.filter(({ guid }) => affected.has(guid)).map(({ name }) => name)
  if (names.length > 0) throw unprocessable(unlimitedLogRateInPlaces('org', names))
}

/**
 * Gives organizations this quota in place of the one they have. Throws 422 for one that is not there, or whose apps have no
 * limit to their log rate where the quota has. Source: cloud_controller_ng app/actions/organization_quota_apply.rb.
 */
export async function applyOrganizationQuota(
  trx: Trx,
  actor: Actor,
  quotaGuid: string,
  organizationGuids: readonly string[],
): Promise<void> {
  const quota = await lockRow(trx, 'organization_quotas', quotaGuid)
  if (!quota) throw apiError('ResourceNotFound', 'Organization quota not found')
  const organizations = await findOrganizations(
    trx,
    organizationGuids,
    (missing) => `Organizations with guids ${missing} do not exist`,
  )
  const guids = organizations.map(({ guid }) => guid)
  if (
    quota.log_rate_limit_in_bytes_per_second !== null &&
    (await placesWithUnlimitedLogRate(trx, 'organization_guid', guids)).length > 0
  )
    throw unprocessable(
      'Current usage exceeds new quota values. The org(s) being assigned this quota contain apps running with an unlimited log rate limit.',
    )
  await moveOrganizations(trx, organizations, quotaGuid)
  for (const { guid, name } of organizations)
    await recordEvent(trx, actor, 'apply', quota, {
      data: { organization_guid: guid, organization_name: name },
      organizationGuid: guid,
    })
}

type OrganizationReference = Pick<Row<'organizations'>, 'guid' | 'name'>

async function findOrganizations(
  trx: Trx,
  requested: readonly string[],
  missingFault: (missing: string) => string,
): Promise<OrganizationReference[]> {
  const guids = [...new Set(requested)]
  if (guids.length === 0) return []
  const found = await trx
    .selectFrom('organizations')
    .select(['guid', 'name'])
    .where('guid', 'in', guids)
    .orderBy('id')
    .execute()
  const missing = guids.filter((guid) => !found.some((organization) => organization.guid === guid))
  if (missing.length > 0) throw unprocessable(missingFault(listed(missing)))
  return found
}

async function moveOrganizations(
  trx: Trx,
  organizations: readonly OrganizationReference[],
  quotaGuid: string,
): Promise<void> {
  if (organizations.length === 0) return
  const guids = organizations.map(({ guid }) => guid)
  await trx.updateTable('organizations').set({ quota_guid: quotaGuid }).where('guid', 'in', guids).execute()
}

/** Throws 422 while an organization has the quota. */
export async function requireUnusedOrganizationQuota(trx: Trx, quotaGuid: string): Promise<void> {
  if (await isApplied(trx, quotaGuid))
    throw unprocessable(
      'This quota is applied to one or more organizations. Apply different quotas to those organizations before deleting.',
    )
}

async function isApplied(trx: Trx, quotaGuid: string): Promise<boolean> {
  const organization = await trx
    .selectFrom('organizations')
    .select('id')
    .where('quota_guid', '=', quotaGuid)
    .limit(1)
    .executeTakeFirst()
  return organization !== undefined
}

/** Removes the quota. Throws 400/10006 when an organization was given it meanwhile. Does nothing when it is gone. */
export async function deleteOrganizationQuota(trx: Trx, actor: Actor, guid: string): Promise<void> {
  const quota = await lockRow(trx, 'organization_quotas', guid)
  if (!quota) return
  if (await isApplied(trx, guid)) throw apiError('AssociationNotEmpty', 'organization', 'quota definition')
  await trx.deleteFrom('organization_quotas').where('guid', '=', guid).execute()
  await recordEvent(trx, actor, 'delete', quota, {})
}

async function recordEvent(
  trx: Trx,
  actor: Actor,
  verb: 'create' | 'update' | 'apply' | 'delete',
  { guid, name }: Pick<Quota, 'guid' | 'name'>,
  about: Pick<AuditEvent, 'data' | 'organizationGuid'>,
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.organization_quota.${verb}`,
    target: { guid, type: 'organization_quota', name },
    ...about,
  })
}

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
  type QuotaLimits,
  type QuotaMessage,
  reservesMorePortsThanRoutes,
  unlimited,
  unlimitedLogRateInPlaces,
} from './quota-limits.ts'

type Quota = Row<'space_quotas'>
type SpaceReference = Pick<Row<'spaces'>, 'guid' | 'name' | 'organization_guid'>

/**
 * Creates a quota of an organization, unlimited where nothing is said, for these of its spaces. Throws 422 when the name is
 * taken or a space is not the organization's. Source: cloud_controller_ng app/actions/space_quotas_create.rb.
 */
export async function createSpaceQuota(
  trx: Trx,
  actor: Actor,
  message: QuotaMessage & { readonly name: string },
  { organizationGuid, spaceGuids }: { readonly organizationGuid: string; readonly spaceGuids: readonly string[] },
): Promise<string> {
  const time = now()
  const quota = {
    guid: randomUUID(),
    created_at: time,
    updated_at: time,
    name: message.name,
    organization_guid: organizationGuid,
    ...limitsWith(unlimited, message),
  }
  await requireSensiblePorts(trx, quota)
  await uniquely(
    () => trx.insertInto('space_quotas').values(quota).execute(),
    () => nameTaken(message.name),
  )
  const spaces = (await findSpaces(trx, spaceGuids)).filter((space) => space.organization_guid === organizationGuid)
  const missing = missingOf(spaceGuids, spaces)
  if (missing.length > 0)
    throw unprocessable(
      `Spaces with guids ${listed(missing)} do not exist within the organization specified, or you do not have access to them.`,
    )
  await limitSpaces(trx, spaces, quota.guid)
  await recordEvent(trx, actor, 'create', quota, { data: { request: message } })
  return quota.guid
}

/**
 * Changes name and limits, as `updateOrganizationQuota` does for organizations.
 * Source: cloud_controller_ng app/actions/space_quota_update.rb.
 */
export async function updateSpaceQuota(trx: Trx, actor: Actor, guid: string, message: QuotaMessage): Promise<void> {
  const before = await lockRow(trx, 'space_quotas', guid)
  if (!before) throw quotaNotFound()
  if (typeof message.apps?.log_rate_limit_in_bytes_per_second === 'number') await requireLimitedLogRates(trx, guid)
  const { id, created_at, ...known } = before
  const quota = { ...known, ...limitsWith(before, message), updated_at: now(), name: message.name ?? before.name }
  await requireSensiblePorts(trx, quota)
  await uniquely(
    () => trx.updateTable('space_quotas').set(quota).where('guid', '=', guid).execute(),
    () => nameTaken(quota.name),
  )
  await recordEvent(trx, actor, 'update', quota, { data: { request: message } })
}

const quotaNotFound = (): Error => apiError('ResourceNotFound', 'Space quota not found')
const nameTaken = (name: string): Error => unprocessable(`Space Quota '${name}' already exists.`)

async function requireSensiblePorts(
  trx: Trx,
  quota: QuotaLimits & { readonly organization_guid: string },
): Promise<void> {
  const ports = quota.total_reserved_ports
  if (ports === null) return
  const { total_reserved_ports: maximum } = await trx
    .selectFrom('organizations')
    .innerJoin('organization_quotas', 'organization_quotas.guid', 'organizations.quota_guid')
    .select('organization_quotas.total_reserved_ports')
    .where('organizations.guid', '=', quota.organization_guid)
    .executeTakeFirstOrThrow()
  if (reservesMorePortsThanRoutes(quota) || (maximum !== null && ports > maximum))
    throw unprocessable(
      'Total reserved ports must be -1, 0, or a positive integer, must be less than or equal to total routes, and must be less than or equal to total reserved ports for the organization quota.',
    )
}

async function requireLimitedLogRates(trx: Trx, quotaGuid: string): Promise<void> {
  const spaces = await trx.selectFrom('spaces').select(['guid', 'name']).where('quota_guid', '=', quotaGuid).execute()
  const guids = spaces.map(({ guid }) => guid)
  const affected = new Set(await placesWithUnlimitedLogRate(trx, 'guid', guids))
  const names = spaces.filter(({ guid }) => affected.has(guid)).map(({ name }) => name)
  if (names.length > 0) throw unprocessable(unlimitedLogRateInPlaces('space', names))
}

/**
 * Limits spaces by this quota in place of the one they may have. `isVisible` says which the caller sees. Throws 422 for one
 * that is not there or not seen, is in another organization, or whose apps have no limit to their log rate where the quota has.
 * Source: cloud_controller_ng app/actions/space_quota_apply.rb.
 */
export async function applySpaceQuota(
  trx: Trx,
  actor: Actor,
  quotaGuid: string,
  spaceGuids: readonly string[],
  isVisible: (spaceGuid: string) => boolean,
): Promise<void> {
  const quota = await lockRow(trx, 'space_quotas', quotaGuid)
  if (!quota) throw quotaNotFound()
  const spaces = await findSpaces(trx, spaceGuids)
  const missing = missingOf(
    spaceGuids,
    spaces.filter(({ guid }) => isVisible(guid)),
  )
  if (missing.length > 0)
    throw unprocessable(`Spaces with guids ${listed(missing)} do not exist, or you do not have access to them.`)
  if (spaces.some((space) => space.organization_guid !== quota.organization_guid))
    throw unprocessable('Space quotas cannot be applied outside of their owning organization.')
  const guids = spaces.map(({ guid }) => guid)
  if (
    quota.log_rate_limit_in_bytes_per_second !== null &&
    (await placesWithUnlimitedLogRate(trx, 'guid', guids)).length > 0
  )
    throw unprocessable(
      'Current usage exceeds new quota values. The space(s) being assigned this quota contain apps running with an unlimited log rate limit.',
    )
  await limitSpaces(trx, spaces, quotaGuid)
  for (const space of spaces) await recordEvent(trx, actor, 'apply', quota, aboutSpace(space))
}

/** Frees a space of the quota. Throws 422 when it has not this quota. Source: app/actions/space_quota_unapply.rb. */
export async function removeSpaceQuota(trx: Trx, actor: Actor, quota: Quota, spaceGuid: string): Promise<void> {
  const space = await trx
    .updateTable('spaces')
    .set({ quota_guid: null })
    .where('guid', '=', spaceGuid)
    .where('quota_guid', '=', quota.guid)
    .returning(['guid', 'name', 'organization_guid'])
    .executeTakeFirst()
  if (!space)
    throw unprocessable(
      `Unable to remove quota from space with guid '${spaceGuid}'. Ensure the space quota is applied to this space.`,
    )
  await recordEvent(trx, actor, 'remove', quota, aboutSpace(space))
}

const aboutSpace = ({ guid, name }: SpaceReference) => ({
  data: { space_guid: guid, space_name: name },
  spaceGuid: guid,
})

async function findSpaces(trx: Trx, guids: readonly string[]): Promise<SpaceReference[]> {
  if (guids.length === 0) return []
  return trx
    .selectFrom('spaces')
    .select(['guid', 'name', 'organization_guid'])
    .where('guid', 'in', [...new Set(guids)])
    .orderBy('id')
    .execute()
}

function missingOf(requested: readonly string[], found: readonly SpaceReference[]): string[] {
  return [...new Set(requested)].filter((guid) => !found.some((space) => space.guid === guid))
}

async function limitSpaces(trx: Trx, spaces: readonly SpaceReference[], quotaGuid: string): Promise<void> {
  if (spaces.length === 0) return
  const guids = spaces.map(({ guid }) => guid)
  await trx.updateTable('spaces').set({ quota_guid: quotaGuid }).where('guid', 'in', guids).execute()
}

/** Throws 422 while a space has the quota. */
export async function requireUnusedSpaceQuota(trx: Trx, quotaGuid: string): Promise<void> {
  const space = await trx
    .selectFrom('spaces')
    .select('id')
    .where('quota_guid', '=', quotaGuid)
    .limit(1)
    .executeTakeFirst()
  if (space)
    throw unprocessable(
      'This quota is applied to one or more spaces. Remove this quota from all spaces before deleting.',
    )
}

/** Removes the quota; a space that was given it meanwhile is without one again. Does nothing when it is gone. */
export async function deleteSpaceQuota(trx: Trx, actor: Actor, guid: string): Promise<void> {
  const quota = await lockRow(trx, 'space_quotas', guid)
  if (!quota) return
  await trx.updateTable('spaces').set({ quota_guid: null }).where('quota_guid', '=', guid).execute()
  await trx.deleteFrom('space_quotas').where('guid', '=', guid).execute()
  await recordEvent(trx, actor, 'delete', quota, {})
}

async function recordEvent(
  trx: Trx,
  actor: Actor,
  verb: 'create' | 'update' | 'apply' | 'remove' | 'delete',
  { guid, name, organization_guid }: Pick<Quota, 'guid' | 'name' | 'organization_guid'>,
  about: Pick<AuditEvent, 'data' | 'spaceGuid'>,
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.space_quota.${verb}`,
    target: { guid, type: 'space_quota', name },
    organizationGuid: organization_guid,
    ...about,
  })
}

import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Row, Trx } from '../db/schema.ts'
import { notFound, unprocessable } from '../errors/api-error.ts'
import type { Caller } from '../permissions/caller.ts'
import { type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { actorOf, recordAuditEvent } from './audit-events.ts'
import { createRole } from './roles.ts'

export const defaultQuotaName = 'default'

export interface OrganizationMessage {
  readonly name?: string | undefined
  readonly suspended?: boolean | null | undefined
  readonly metadata?: MetadataMessage | undefined
}

/**
 * Creates an organization with the quota named "default". Who is no admin becomes its user and manager.
 * Throws 422 when the name is taken. Source: cloud_controller_ng app/actions/organization_create.rb.
 */
export async function createOrganization(
  trx: Trx,
  message: OrganizationMessage & { name: string },
  caller: Caller,
): Promise<string> {
  const guid = randomUUID()
  const time = now()
  const quota = await trx
    .selectFrom('organization_quotas')
    .select('guid')
    .where('name', '=', defaultQuotaName)
    .executeTakeFirst()
  if (!quota) throw unprocessable(`Organization quota '${defaultQuotaName}' not found.`)
  await uniquely(
    () =>
      trx
        .insertInto('organizations')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          name: message.name,
          status: message.suspended ? 'suspended' : 'active',
          quota_guid: quota.guid,
          default_isolation_segment_guid: null,
        })
        .execute(),
    () => unprocessable(`Organization '${message.name}' already exists.`),
  )
  await saveMetadata(trx, { type: 'organization', guid }, message.metadata)
  const organization = { guid, name: message.name }
  await record(trx, 'create', organization, message, caller)
  if (caller.writesGlobally) return guid
  const user = { guid: caller.userGuid, username: caller.userName }
  for (const type of ['organization_user', 'organization_manager'] as const)
    await createRole(trx, actorOf(caller), { type, user, place: { organization }, request: message })
  return guid
}

/**
 * Changes name, suspension and metadata. Throws 422 when the name is taken, and for a change of suspension while the organization
 * is being deleted, which would look as if it were not. Source: cloud_controller_ng app/actions/organization_update.rb.
 */
export async function updateOrganization(
  trx: Trx,
  guid: string,
  message: OrganizationMessage,
  caller: Caller,
): Promise<void> {
  const organization = await lockRow(trx, 'organizations', guid)
  if (!organization) throw notFound('Organization')
  const name = message.name ?? organization.name
  if (organization.status === 'deleting' && message.suspended !== undefined)
    throw unprocessable(`Organization '${name}' is being deleted and cannot be updated.`)
  await uniquely(
    () =>
      trx
        .updateTable('organizations')
        .set({
          updated_at: now(),
          name,
          ...(message.suspended !== undefined && { status: message.suspended ? 'suspended' : 'active' }),
        })
        .where('guid', '=', guid)
        .execute(),
    () => unprocessable(`Organization name '${name}' is already taken.`),
  )
  await saveMetadata(trx, { type: 'organization', guid }, message.metadata)
  await record(trx, 'update', { guid, name }, message, caller)
}

/** Marks the organization as being deleted; the job does the rest. */
export async function requestOrganizationDeletion(
  trx: Trx,
  organization: Row<'organizations'>,
  caller: Caller,
): Promise<void> {
  await trx
    .updateTable('organizations')
    .set({ status: 'deleting', updated_at: now() })
    .where('guid', '=', organization.guid)
    .execute()
  await record(trx, 'delete-request', organization, { recursive: true }, caller)
}

async function record(
  trx: Trx,
  verb: 'create' | 'update' | 'delete-request',
  { guid, name }: { guid: string; name: string },
  request: object,
  caller: Caller,
): Promise<void> {
  await recordAuditEvent(trx, actorOf(caller), {
    type: `audit.organization.${verb}`,
    target: { guid, type: 'organization', name },
    data: { request },
    organizationGuid: guid,
  })
}

/**
 * Names the isolation segment of the organization's spaces that are in no other, or none. Throws 422 unless the organization
 * is entitled to it. Source: cloud_controller_ng app/actions/set_default_isolation_segment.rb.
 */
export async function assignDefaultIsolationSegment(
  trx: Trx,
  organizationGuid: string,
  segmentGuid: string | null,
): Promise<void> {
  if (segmentGuid !== null && !(await isEntitled(trx, organizationGuid, segmentGuid)))
    throw unprocessable(
      `Unable to assign isolation segment with guid '${segmentGuid}'. Ensure it has been entitled to the organization.`,
    )
  await trx
    .updateTable('organizations')
    .set({ default_isolation_segment_guid: segmentGuid, updated_at: now() })
    .where('guid', '=', organizationGuid)
    .execute()
}

/** Whether the organization may use the isolation segment. */
export async function isEntitled(trx: Trx, organizationGuid: string, segmentGuid: string): Promise<boolean> {
  const entitlement = await trx
    .selectFrom('isolation_segment_organizations')
    .select('isolation_segment_guid')
    .where('organization_guid', '=', organizationGuid)
    .where('isolation_segment_guid', '=', segmentGuid)
    .executeTakeFirst()
  return entitlement !== undefined
}

import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import type { Caller } from '../permissions/caller.ts'
import { type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { actorOf, recordAuditEvent } from './audit-events.ts'
import { knowUser } from './users.ts'

export const defaultQuotaName = 'default'

export interface OrganizationMessage {
  readonly name?: string | undefined
  readonly suspended?: boolean | undefined
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
  if (!caller.writesGlobally) await addCreator(trx, guid, caller)
  await record(trx, 'create', { guid, name: message.name }, message, caller)
  return guid
}

async function addCreator(trx: Trx, organizationGuid: string, caller: Caller): Promise<void> {
  await knowUser(trx, caller.userGuid)
  for (const type of ['organization_user', 'organization_manager'] as const) {
    const time = now()
    await trx
      .insertInto('roles')
      .values({
        guid: randomUUID(),
        created_at: time,
        updated_at: time,
        type,
        user_guid: caller.userGuid,
        organization_guid: organizationGuid,
        space_guid: null,
      })
      .execute()
  }
}

/** Changes name, suspension and metadata. Throws 422 when the name is taken or the organization is being deleted. */
export async function updateOrganization(
  trx: Trx,
  organization: Row<'organizations'>,
  message: OrganizationMessage,
  caller: Caller,
): Promise<void> {
  if (organization.status === 'deleting')
    throw unprocessable(`Organization '${organization.name}' is being deleted and cannot be updated.`)
  await uniquely(
    () =>
      trx
        .updateTable('organizations')
        .set({
          updated_at: now(),
          ...(message.name !== undefined && { name: message.name }),
          ...(message.suspended !== undefined && { status: message.suspended ? 'suspended' : 'active' }),
        })
        .where('guid', '=', organization.guid)
        .execute(),
    () => unprocessable(`Organization name '${message.name}' is already taken.`),
  )
  await saveMetadata(trx, { type: 'organization', guid: organization.guid }, message.metadata)
  await record(trx, 'update', { guid: organization.guid, name: message.name ?? organization.name }, message, caller)
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

import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Row, Trx } from '../db/schema.ts'
import { notFound, unprocessable } from '../errors/api-error.ts'
import type { Caller } from '../permissions/caller.ts'
import { type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Actor, actorOf, recordAuditEvent } from './audit-events.ts'
import { isEntitled } from './organizations.ts'

export interface SpaceMessage {
  readonly name?: string | undefined
  readonly suspended?: boolean | null | undefined
  readonly metadata?: MetadataMessage | undefined
}

/** Creates a space without a quota. Throws 422 when the name is taken. Source: cloud_controller_ng app/actions/space_create.rb. */
export async function createSpace(
  trx: Trx,
  organizationGuid: string,
  message: SpaceMessage & { name: string },
  caller: Caller,
): Promise<string> {
  const guid = randomUUID()
  const time = now()
  await uniquely(
    () =>
      trx
        .insertInto('spaces')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          name: message.name,
          organization_guid: organizationGuid,
          status: message.suspended ? 'suspended' : 'active',
          quota_guid: null,
          isolation_segment_guid: null,
          allow_ssh: 1,
        })
        .execute(),
    () => unprocessable('Name must be unique per organization'),
  )
  await saveMetadata(trx, { type: 'space', guid }, message.metadata)
  const request = { ...message, relationships: { organization: { data: { guid: organizationGuid } } } }
  await recordSpaceEvent(
    trx,
    actorOf(caller),
    'create',
    { guid, name: message.name, organization_guid: organizationGuid },
    request,
  )
  return guid
}

/** Changes name, suspension and metadata, with the rules of `updateOrganization`. Source: cloud_controller_ng app/actions/space_update.rb. */
export async function updateSpace(trx: Trx, guid: string, message: SpaceMessage, caller: Caller): Promise<void> {
  const space = await lockRow(trx, 'spaces', guid)
  if (!space) throw notFound('Space')
  const name = message.name ?? space.name
  if (space.status === 'deleting' && message.suspended !== undefined)
    throw unprocessable(`Space '${name}' is being deleted and cannot be updated.`)
  const { name: organizationName } = await trx
    .selectFrom('organizations')
    .select('name')
    .where('guid', '=', space.organization_guid)
    .executeTakeFirstOrThrow()
  await uniquely(
    () =>
      trx
        .updateTable('spaces')
        .set({
          updated_at: now(),
          name,
          ...(message.suspended !== undefined && { status: message.suspended ? 'suspended' : 'active' }),
        })
        .where('guid', '=', guid)
        .execute(),
    () => unprocessable(`Organization '${organizationName}' already contains a space with name '${name}'.`),
  )
  await saveMetadata(trx, { type: 'space', guid }, message.metadata)
  await recordSpaceEvent(trx, actorOf(caller), 'update', { ...space, name }, message)
}

/** Switches the space's only feature. */
export async function allowSsh(trx: Trx, spaceGuid: string, isAllowed: boolean): Promise<void> {
  await trx
    .updateTable('spaces')
    .set({ allow_ssh: isAllowed ? 1 : 0, updated_at: now() })
    .where('guid', '=', spaceGuid)
    .execute()
}

/**
 * Puts the space into an isolation segment, or none. Throws 422 unless its organization is entitled to the segment.
 * Source: cloud_controller_ng app/actions/space_update_isolation_segment.rb.
 */
export async function assignIsolationSegment(
  trx: Trx,
  space: Row<'spaces'>,
  segmentGuid: string | null,
  caller: Caller,
): Promise<void> {
  if (segmentGuid !== null && !(await isEntitled(trx, space.organization_guid, segmentGuid)))
    throw unprocessable(
      `Unable to assign isolation segment with guid '${segmentGuid}'. Ensure it has been entitled to the organization that this space belongs to.`,
    )
  await trx
    .updateTable('spaces')
    .set({ isolation_segment_guid: segmentGuid, updated_at: now() })
    .where('guid', '=', space.guid)
    .execute()
  await recordSpaceEvent(trx, actorOf(caller), 'update', space, {
    data: segmentGuid === null ? null : { guid: segmentGuid },
  })
}

/** Marks the space as being deleted; the job does the rest. */
export async function requestSpaceDeletion(trx: Trx, space: Row<'spaces'>, caller: Caller): Promise<void> {
  await trx
    .updateTable('spaces')
    .set({ status: 'deleting', updated_at: now() })
    .where('guid', '=', space.guid)
    .execute()
  await recordSpaceEvent(trx, actorOf(caller), 'delete-request', space, { recursive: true })
}

/** Writes an event whose target is the space. */
export async function recordSpaceEvent(
  trx: Trx,
  actor: Actor,
  verb: 'create' | 'update' | 'delete-request',
  { guid, name, organization_guid }: { guid: string; name: string; organization_guid: string },
  request: object,
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.space.${verb}`,
    target: { guid, type: 'space', name },
    data: { request },
    spaceGuid: guid,
    organizationGuid: organization_guid,
  })
}

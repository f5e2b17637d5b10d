import { randomUUID } from 'node:crypto'
import type { Db, Trx } from '../db/schema.ts'
import type { Caller } from '../permissions/caller.ts'
import { now } from '../v3/kit/timestamps.ts'

export interface AuditEvent {
  /** As in semantics, section 39: `audit.app.create`. */
  readonly type: string
  readonly target: { readonly guid: string; readonly type: string; readonly name: string }
  /** Mostly `{request: …}`; secrets must have been hidden (`hidden`). */
  readonly data?: Readonly<Record<string, unknown>>
  readonly spaceGuid?: string | null
  readonly organizationGuid?: string | null
}

export interface Actor {
  readonly guid: string
  readonly type: string
  readonly name: string
}

/** What stands for a secret in an event. */
export const hidden = '[PRIVATE DATA HIDDEN]'

/** Who did it, for requests: by its mail address, which a client has not (cloud_controller_ng lib/cloud_controller/user_audit_info.rb). */
export function actorOf({ userGuid, email }: Caller): Actor {
  return { guid: userGuid, type: 'user', name: email ?? '' }
}

/** Writes the event, in the transaction of what it tells. The organization is looked up when only the space is given. */
export async function recordAuditEvent(trx: Trx | Db, actor: Actor, event: AuditEvent): Promise<void> {
  const time = now()
  await trx
    .insertInto('audit_events')
    .values({
      guid: randomUUID(),
      created_at: time,
      updated_at: time,
      type: event.type,
      actor_guid: actor.guid,
      actor_type: actor.type,
      actor_name: actor.name,
      target_guid: event.target.guid,
      target_type: event.target.type,
      target_name: event.target.name,
      data: JSON.stringify(event.data ?? {}),
      space_guid: event.spaceGuid ?? null,
      organization_guid: event.organizationGuid ?? (await organizationOf(trx, event.spaceGuid)),
    })
    .execute()
}

async function organizationOf(trx: Trx | Db, spaceGuid: string | null | undefined): Promise<string | null> {
  if (!spaceGuid) return null
  const space = await trx
    .selectFrom('spaces')
    .select('organization_guid')
    .where('guid', '=', spaceGuid)
    .executeTakeFirst()
  return space?.organization_guid ?? null
}

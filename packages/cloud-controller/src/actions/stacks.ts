import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { deleteMetadata, type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Actor, recordAuditEvent } from './audit-events.ts'

type Stack = Row<'stacks'>

export interface StackMessage {
  readonly state?: Stack['state'] | undefined
  readonly state_reason?: string | null | undefined
  readonly metadata?: MetadataMessage | undefined
}

/** Throws 422 when the name is taken. Source: cloud_controller_ng app/actions/stack_create.rb. */
export async function createStack(
  trx: Trx,
  actor: Actor,
  message: StackMessage & { name: string; description?: string | null | undefined },
): Promise<string> {
  const guid = randomUUID()
  const time = now()
  await uniquely(
    () =>
      trx
        .insertInto('stacks')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          name: message.name,
          description: message.description ?? null,
          state: message.state ?? 'ACTIVE',
          state_reason: message.state_reason ?? null,
        })
        .execute(),
    () => unprocessable('Name must be unique'),
  )
  await saveMetadata(trx, { type: 'stack', guid }, message.metadata)
  await record(trx, actor, 'create', { guid, name: message.name }, { request: message })
  return guid
}

/** Changes whether apps may use the stack, why, and its metadata. */
export async function updateStack(trx: Trx, actor: Actor, stack: Stack, message: StackMessage): Promise<void> {
  await trx
    .updateTable('stacks')
    .set({
      updated_at: now(),
      ...(message.state !== undefined && { state: message.state }),
      ...(message.state_reason !== undefined && { state_reason: message.state_reason }),
    })
    .where('guid', '=', stack.guid)
    .execute()
  await saveMetadata(trx, { type: 'stack', guid: stack.guid }, message.metadata)
  await record(trx, actor, 'update', stack, { request: message })
}

/** Throws 422 while apps use the stack. */
export async function deleteStack(trx: Trx, actor: Actor, stack: Stack): Promise<void> {
  const app = await trx
    .selectFrom('apps')
    .select('id')
    .where('lifecycle_stack', '=', stack.name)
    .limit(1)
    .executeTakeFirst()
  if (app) throw unprocessable(`Cannot delete stack '${stack.name}' because apps are currently using the stack.`)
  await deleteMetadata(trx, 'stack', [stack.guid])
  await trx.deleteFrom('stacks').where('guid', '=', stack.guid).execute()
  await record(trx, actor, 'delete', stack, {})
}

async function record(
  trx: Trx,
  actor: Actor,
  verb: 'create' | 'update' | 'delete',
  { guid, name }: { guid: string; name: string },
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  await recordAuditEvent(trx, actor, { type: `audit.stack.${verb}`, target: { guid, type: 'stack', name }, data })
}

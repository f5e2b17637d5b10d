import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import type { Row, Trx } from '../db/schema.ts'
import { apiError, unprocessable } from '../errors/api-error.ts'
import { deleteMetadata, type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Actor, recordAuditEvent } from './audit-events.ts'

export interface BuildpackMessage {
  readonly name?: string | null | undefined
  readonly stack?: string | null | undefined
  readonly position?: number | null | undefined
  readonly enabled?: boolean | null | undefined
  readonly locked?: boolean | null | undefined
  readonly lifecycle?: 'buildpack' | 'cnb' | null | undefined
  readonly metadata?: MetadataMessage | undefined
}

type Buildpack = Row<'buildpacks'>
const firstPosition = 1

/** Creates a buildpack without bits at its position (the first unless told). Throws 422 for an unknown stack or a taken name. */
export async function createBuildpack(
  trx: Trx,
  message: BuildpackMessage & { name: string },
  actor: Actor,
): Promise<string> {
  const stack = message.stack ?? null
  const lifecycle = message.lifecycle ?? 'buildpack'
  await lockBuildpacks(trx)
  await requireStack(trx, stack)
  const guid = randomUUID()
  const time = now()
  await uniquely(
    () =>
      trx
        .insertInto('buildpacks')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          name: message.name,
          stack,
          position: 0,
          enabled: message.enabled === false ? 0 : 1,
          locked: message.locked ? 1 : 0,
          lifecycle,
          filename: null,
          sha256: null,
        })
        .execute(),
    () => nameTaken({ name: message.name, stack, lifecycle }),
  )
  await saveMetadata(trx, { type: 'buildpack', guid }, message.metadata)
  await moveTo(trx, { guid, lifecycle }, message.position ?? firstPosition)
  await recordBuildpackEvent(trx, 'create', { guid, name: message.name }, actor, message)
  return guid
}

/** Changes a buildpack; its stack only while it has none. Throws 422 as `createBuildpack` does. */
export async function updateBuildpack(
  trx: Trx,
  buildpack: Buildpack,
  message: BuildpackMessage,
  actor: Actor,
): Promise<void> {
  await lockBuildpacks(trx)
  const stack = message.stack === undefined ? buildpack.stack : message.stack
  if (stack !== buildpack.stack && buildpack.stack !== null) throw unprocessable('Buildpack stack cannot be changed')
  await requireStack(trx, stack)
  if (message.position) await moveTo(trx, buildpack, message.position)
  const name = message.name ?? buildpack.name
  await uniquely(
    () =>
      trx
        .updateTable('buildpacks')
        .set({
          updated_at: now(),
          name,
          stack,
          ...(typeof message.enabled === 'boolean' && { enabled: message.enabled ? 1 : 0 }),
          ...(typeof message.locked === 'boolean' && { locked: message.locked ? 1 : 0 }),
        })
        .where('guid', '=', buildpack.guid)
        .execute(),
    () => nameTaken({ name, stack, lifecycle: buildpack.lifecycle }),
  )
  await saveMetadata(trx, { type: 'buildpack', guid: buildpack.guid }, message.metadata)
  await recordBuildpackEvent(trx, 'update', { guid: buildpack.guid, name }, actor, message)
}

/**
 * Gives a buildpack its bits. Throws 290000 when name and stack of the archive are taken, 390011 when its stack is another
 * one, 390012 when there is no such stack.
 */
export async function assignBits(
  trx: Trx,
  buildpack: Buildpack,
  bits: { sha256: string; filename: string; stackInArchive: string | null },
): Promise<void> {
  await lockBuildpacks(trx)
  const { sha256, filename, stackInArchive } = bits
  const stack = stackInArchive ?? buildpack.stack
  if (buildpack.stack !== null && stack !== buildpack.stack)
    throw apiError('BuildpackStacksDontMatch', stack ?? '', buildpack.stack)
  if (stack !== null && !(await hasStack(trx, stack))) throw apiError('BuildpackStackDoesNotExist', stack)
  await uniquely(
    () =>
      trx
        .updateTable('buildpacks')
        .set({ sha256, filename, stack, updated_at: now() })
        .where('guid', '=', buildpack.guid)
        .execute(),
    () => apiError('BuildpackNameStackLifecycleTaken', buildpack.name, stack ?? '', buildpack.lifecycle),
  )
}

/** Removes the row and closes the gap in the order. */
export async function deleteBuildpack(trx: Trx, guid: string): Promise<void> {
  await lockBuildpacks(trx)
  const buildpack = await trx.selectFrom('buildpacks').selectAll().where('guid', '=', guid).executeTakeFirst()
  if (!buildpack) return
  await deleteMetadata(trx, 'buildpack', [guid])
  await trx.deleteFrom('buildpacks').where('guid', '=', guid).execute()
  await renumber(trx, await inOrder(trx, buildpack.lifecycle))
}

/** One change of the order at a time. */
async function lockBuildpacks(trx: Trx): Promise<void> {
  await trx
    .updateTable('buildpacks')
    .set((eb) => ({ position: eb.ref('position') }))
    .execute()
}

/** Puts the buildpack at a position of its lifecycle's list, at the end when that is beyond; the others make room. */
async function moveTo(
  trx: Trx,
  { guid, lifecycle }: Pick<Buildpack, 'guid' | 'lifecycle'>,
  position: number,
): Promise<void> {
  const others = (await inOrder(trx, lifecycle)).filter((other) => other.guid !== guid)
  const at = Math.min(position - 1, others.length)
  await renumber(trx, others.toSpliced(at, 0, { guid, position: 0 }))
}

function inOrder(trx: Trx, lifecycle: Buildpack['lifecycle']): Promise<Array<Pick<Buildpack, 'guid' | 'position'>>> {
  return trx
    .selectFrom('buildpacks')
    .select(['guid', 'position'])
    .where('lifecycle', '=', lifecycle)
    .orderBy('position')
    .orderBy('id')
    .execute()
}

async function renumber(trx: Trx, order: ReadonlyArray<Pick<Buildpack, 'guid' | 'position'>>): Promise<void> {
  for (const [index, { guid, position }] of order.entries()) {
    if (position === index + 1) continue
    await trx
      .updateTable('buildpacks')
      .set({ position: index + 1 })
      .where('guid', '=', guid)
      .execute()
  }
}

async function hasStack(trx: Trx, name: string): Promise<boolean> {
  return (await trx.selectFrom('stacks').select('id').where('name', '=', name).executeTakeFirst()) !== undefined
}

async function requireStack(trx: Trx, name: string | null): Promise<void> {
  if (name !== null && !(await hasStack(trx, name))) throw unprocessable(`Stack '${name}' does not exist`)
}

function nameTaken({ name, stack, lifecycle }: { name: string; stack: string | null; lifecycle: string }): Error {
  return unprocessable(
    stack === null
      ? `Buildpack with name '${name}' and an unassigned stack already exists`
      : `Buildpack with name '${name}', stack '${stack}' and lifecycle '${lifecycle}' already exists`,
  )
}

export async function recordBuildpackEvent(
  trx: Trx,
  verb: 'create' | 'update' | 'upload' | 'delete',
  { guid, name }: { guid: string; name: string },
  actor: Actor,
  request?: object,
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.buildpack.${verb}`,
    target: { guid, type: 'buildpack', name },
    data: { ...(request && { request }) },
  })
}

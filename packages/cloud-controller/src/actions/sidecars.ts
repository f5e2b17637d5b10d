import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { uniquely } from '../db/constraint-violation.ts'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { now } from '../v3/kit/timestamps.ts'
import { requireRoomForSidecars } from './process-rules.ts'

export interface NewSidecar {
  readonly name: string
  readonly command: string
  readonly process_types: readonly string[]
  readonly memory_in_mb?: number | null | undefined
}

/** Adds a sidecar to the app's processes of these types. Throws 422 when the name is taken or a process has too little memory. */
export async function createSidecar(
  trx: Trx,
  appGuid: string,
  sidecar: NewSidecar,
  origin: Row<'sidecars'>['origin'] = 'user',
): Promise<string> {
  if (sidecar.memory_in_mb) await requireRoom(trx, appGuid, sidecar.process_types, sidecar.memory_in_mb)
  const guid = randomUUID()
  const time = now()
  await uniquely(
    () =>
      trx
        .insertInto('sidecars')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          app_guid: appGuid,
          name: sidecar.name,
          command: sidecar.command,
          process_types: JSON.stringify([...new Set(sidecar.process_types)]),
          memory_in_mb: sidecar.memory_in_mb ?? null,
          origin,
        })
        .execute(),
    () => nameTaken(sidecar.name),
  )
  return guid
}

/** Changes a sidecar. Throws 422 as `createSidecar` does. */
export async function updateSidecar(
  trx: Trx,
  sidecar: Row<'sidecars'>,
  change: { readonly [K in keyof NewSidecar]?: NewSidecar[K] | undefined },
): Promise<void> {
  const processTypes = change.process_types ?? JSON.parse(sidecar.process_types)
  const memoryInMb = change.memory_in_mb === undefined ? sidecar.memory_in_mb : change.memory_in_mb
  if (change.process_types !== undefined || change.memory_in_mb !== undefined)
    await requireRoom(trx, sidecar.app_guid, processTypes, memoryInMb ?? 0, sidecar.guid)
  await uniquely(
    () =>
      trx
        .updateTable('sidecars')
        .set({
          updated_at: now(),
          name: change.name ?? sidecar.name,
          command: change.command ?? sidecar.command,
          process_types: JSON.stringify([...new Set(processTypes)]),
          memory_in_mb: memoryInMb,
        })
        .where('guid', '=', sidecar.guid)
        .execute(),
    () => nameTaken(change.name ?? sidecar.name),
  )
}

const nameTaken = (name: string): Error => unprocessable(`Sidecar with name '${name}' already exists for given app`)

async function requireRoom(
  trx: Trx,
  appGuid: string,
  types: readonly string[],
  wantedMemoryInMb: number,
  except?: string,
): Promise<void> {
  const processes = await trx
    .selectFrom('processes')
    .select(['app_guid', 'type', 'memory_in_mb'])
    .where('app_guid', '=', appGuid)
    .where('type', 'in', [...types])
    .execute()
  await requireRoomForSidecars(trx, processes, { wantedMemoryInMb, ...(except !== undefined && { except }) })
}

/** Sidecars as staging found them in launch.yml. */
const DropletSidecars = z.array(
  z.object({
    name: z.string(),
    command: z.string(),
    process_types: z.array(z.string()),
    memory: z.number().int().nullish(),
  }),
)

/**
 * Puts the droplet's sidecars in the place of those that an earlier droplet brought. Throws 422 when the user has one of the
 * same name. Source: cloud_controller_ng app/actions/sidecar_synchronize_from_app_droplet.rb.
 */
export async function replaceBuildpackSidecars(
  trx: Trx,
  app: Pick<Row<'apps'>, 'guid'>,
  droplet: Pick<Row<'droplets'>, 'sidecars'>,
): Promise<void> {
  await trx.deleteFrom('sidecars').where('app_guid', '=', app.guid).where('origin', '=', 'buildpack').execute()
  const own = await trx.selectFrom('sidecars').select('name').where('app_guid', '=', app.guid).execute()
  for (const { memory, ...sidecar } of DropletSidecars.parse(JSON.parse(droplet.sidecars ?? '[]'))) {
    if (own.some(({ name }) => name === sidecar.name))
      throw unprocessable(
        `Buildpack defined sidecar '${sidecar.name}' conflicts with an existing user-defined sidecar. Consider renaming '${sidecar.name}'.`,
      )
    await createSidecar(trx, app.guid, { ...sidecar, memory_in_mb: memory }, 'buildpack')
  }
}

import { randomUUID } from 'node:crypto'
import type { Row, Trx } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'

type Footprint = Pick<Row<'processes'>, 'state' | 'instances' | 'memory_in_mb'>

/**
 * Writes the usage event of a process if the change counts: it was started or stopped, or while started its memory or number
 * of instances changed. A process without a past (`before` undefined) was stopped.
 * Source: cloud_controller_ng app/models/runtime/process_model.rb (app_usage_changed?), app/repositories/app_usage_event_repository.rb.
 */
export async function recordProcessUsage(
  trx: Trx,
  before: Footprint | undefined,
  after: Footprint & Pick<Row<'processes'>, 'guid' | 'type' | 'app_guid'>,
): Promise<void> {
  const previous = before ?? { ...after, state: 'STOPPED' as const }
  if (!counts(previous, after)) return
  const app = await trx
    .selectFrom('apps')
    .innerJoin('spaces', 'spaces.guid', 'apps.space_guid')
    .leftJoin('droplets', 'droplets.guid', 'apps.droplet_guid')
    .select([
      'apps.name',
      'apps.space_guid',
      'spaces.name as space_name',
      'spaces.organization_guid',
      'droplets.buildpacks',
    ])
    .where('apps.guid', '=', after.app_guid)
    .executeTakeFirstOrThrow()
  const buildpack = await detectedBuildpack(trx, app.buildpacks)
  const time = now()
  await trx
    .insertInto('app_usage_events')
    .values({
      guid: randomUUID(),
      created_at: time,
      updated_at: time,
      state: after.state,
      previous_state: previous.state,
      instance_count: after.instances,
      previous_instance_count: previous.instances,
      memory_in_mb_per_instance: after.memory_in_mb,
      previous_memory_in_mb_per_instance: previous.memory_in_mb,
      app_guid: after.app_guid,
      app_name: app.name,
      space_guid: app.space_guid,
      space_name: app.space_name,
      organization_guid: app.organization_guid,
      process_guid: after.guid,
      process_type: after.type,
      buildpack_guid: buildpack?.guid ?? null,
      buildpack_name: buildpack?.name ?? null,
      task_guid: null,
      task_name: null,
    })
    .execute()
}

function counts(before: Footprint, after: Footprint): boolean {
  if (before.state !== after.state) return true
  if (after.state === 'STOPPED') return false
  return before.instances !== after.instances || before.memory_in_mb !== after.memory_in_mb
}

/** The final buildpack of the droplet; one that is no system buildpack (any more) has no guid. */
async function detectedBuildpack(
  trx: Trx,
  buildpacks: string | null,
): Promise<{ guid: string | null; name: string } | undefined> {
  const names: Array<{ name: string }> = buildpacks === null ? [] : JSON.parse(buildpacks)
  const name = names.at(-1)?.name
  if (name === undefined) return undefined
  const known = await trx.selectFrom('buildpacks').select('guid').where('name', '=', name).executeTakeFirst()
  return { guid: known?.guid ?? null, name }
}

import { randomUUID } from 'node:crypto'
import type { Row, Trx } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'
import { obfuscatedUrl } from './app-events.ts'

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

/**
 * Forgets all events and writes one for each process that is started, as the place from which those who charge for usage begin.
 * Source: cloud_controller_ng app/repositories/app_usage_event_repository.rb (purge_and_reseed_started_apps!).
 */
export async function purgeAndReseedAppUsage(trx: Trx): Promise<void> {
  await trx.deleteFrom('app_usage_events').execute()
  const started = await trx
    .selectFrom('processes')
    .innerJoin('apps', 'apps.guid', 'processes.app_guid')
    .innerJoin('spaces', 'spaces.guid', 'apps.space_guid')
    .leftJoin('droplets', 'droplets.guid', 'apps.droplet_guid')
    .select([
      'processes.guid',
      'processes.type',
      'processes.instances',
      'processes.memory_in_mb',
      'processes.app_guid',
      'apps.name',
      'apps.space_guid',
      'spaces.name as space_name',
      'spaces.organization_guid',
      'droplets.buildpacks',
    ])
    .where('processes.state', '=', 'STARTED')
    .orderBy('processes.id')
    .execute()
  const known = await trx.selectFrom('buildpacks').select(['guid', 'name']).execute()
  const guidOf = (name: string | null): string | null => known.find((one) => one.name === name)?.guid ?? null
  const time = now()
  const events = started.map((process) => {
    const buildpackName = finalBuildpackName(process.buildpacks)
    return {
      guid: randomUUID(),
      created_at: time,
      updated_at: time,
      state: 'STARTED',
      previous_state: 'STARTED',
      instance_count: process.instances,
      previous_instance_count: process.instances,
      memory_in_mb_per_instance: process.memory_in_mb,
      previous_memory_in_mb_per_instance: process.memory_in_mb,
      app_guid: process.app_guid,
      app_name: process.name,
      space_guid: process.space_guid,
      space_name: process.space_name,
      organization_guid: process.organization_guid,
      process_guid: process.guid,
      process_type: process.type,
      buildpack_guid: guidOf(buildpackName),
      buildpack_name: buildpackName === null ? null : obfuscatedUrl(buildpackName),
      task_guid: null,
      task_name: null,
    }
  })
  for (let start = 0; start < events.length; start += insertedAtOnce)
    await trx
      .insertInto('app_usage_events')
      .values(events.slice(start, start + insertedAtOnce))
      .execute()
}

/** Databases limit how many values one statement may have. */
const insertedAtOnce = 500

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
  const name = finalBuildpackName(buildpacks)
  if (name === null) return undefined
  const known = await trx.selectFrom('buildpacks').select('guid').where('name', '=', name).executeTakeFirst()
  return { guid: known?.guid ?? null, name: obfuscatedUrl(name) }
}

function finalBuildpackName(buildpacks: string | null): string | null {
  const names: Array<{ name: string }> = buildpacks === null ? [] : JSON.parse(buildpacks)
  return names.at(-1)?.name ?? null
}

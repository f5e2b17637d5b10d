import { randomUUID } from 'node:crypto'
import type { Db, Row, Trx } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'
import { obfuscatedUrl } from './app-events.ts'

type Footprint = Pick<Row<'processes'>, 'state' | 'instances' | 'memory_in_mb'>

/** A process as far as its usage is concerned. */
type UsedProcess = Footprint & Pick<Row<'processes'>, 'guid' | 'type' | 'app_guid'>

/**
 * Writes the usage event of a process if the change counts: it was started or stopped, or while started its memory or number
 * of instances changed. A process without a past (`before` undefined) was stopped.
 * Source: cloud_controller_ng app/models/runtime/process_model.rb (app_usage_changed?), app/repositories/app_usage_event_repository.rb.
 */
export async function recordProcessUsage(trx: Trx, before: Footprint | undefined, after: UsedProcess): Promise<void> {
  const previous = before ?? { ...after, state: 'STOPPED' as const }
  if (!counts(previous, after)) return
  const app = await appsWithPlaces(trx).where('apps.guid', '=', after.app_guid).executeTakeFirstOrThrow()
  const buildpackOf = await buildpackNaming(trx)
  const event = { ...inApp(app), ...buildpackOf(finalBuildpack(app.droplet_buildpacks)), ...ofProcess(previous, after) }
  await trx.insertInto('app_usage_events').values(event).execute()
}

function counts(before: Footprint, after: Footprint): boolean {
  if (before.state !== after.state) return true
  if (after.state === 'STOPPED') return false
  return before.instances !== after.instances || before.memory_in_mb !== after.memory_in_mb
}

/** What staging counts for, whatever it was given (cloud_controller_ng app/models/runtime/build_model.rb, STAGING_MEMORY). */
const stagingMemoryInMb = 1024

/**
 * Writes that staging of a build has begun or ended, or which buildpack the droplet that came of it has; for a droplet's
 * buildpacks give their column. Source: cloud_controller_ng app/repositories/app_usage_event_repository.rb (create_from_build).
 */
export async function recordStagingUsage(
  trx: Trx,
  state: 'STAGING_STARTED' | 'STAGING_STOPPED' | 'BUILDPACK_SET',
  build: Pick<Row<'builds'>, 'app_guid' | 'lifecycle_buildpacks'>,
  dropletBuildpacks: string | null = null,
): Promise<void> {
  const app = await appsWithPlaces(trx).where('apps.guid', '=', build.app_guid).executeTakeFirstOrThrow()
  const [asked]: string[] = JSON.parse(build.lifecycle_buildpacks)
  const buildpackOf = await buildpackNaming(trx)
  const event = {
    ...inApp(app),
    ...buildpackOf(finalBuildpack(dropletBuildpacks) ?? asked ?? null),
    state,
    previous_state: state === 'BUILDPACK_SET' ? 'STAGED' : 'STAGING',
    instance_count: 1,
    previous_instance_count: 1,
    memory_in_mb_per_instance: stagingMemoryInMb,
    previous_memory_in_mb_per_instance: stagingMemoryInMb,
    process_guid: null,
    process_type: null,
  }
  await trx.insertInto('app_usage_events').values(event).execute()
}

/** Databases limit how many values one statement may have. */
const insertedAtOnce = 500

/**
 * Forgets all events and writes one for each process that is started, as the place from which those who charge for usage begin.
 * Source: cloud_controller_ng app/repositories/app_usage_event_repository.rb (purge_and_reseed_started_apps!).
 */
export async function purgeAndReseedAppUsage(trx: Trx): Promise<void> {
  await trx.deleteFrom('app_usage_events').execute()
  const started = await appsWithPlaces(trx)
    .innerJoin('processes', 'processes.app_guid', 'apps.guid')
    .select(['processes.guid', 'processes.type', 'processes.state', 'processes.instances', 'processes.memory_in_mb'])
    .where('processes.state', '=', 'STARTED')
    .orderBy('processes.id')
    .execute()
  const buildpackOf = await buildpackNaming(trx)
  const events = started.map((process) => ({
    ...inApp(process),
    ...buildpackOf(finalBuildpack(process.droplet_buildpacks)),
    ...ofProcess(process, process),
  }))
  for (let start = 0; start < events.length; start += insertedAtOnce) {
    const some = events.slice(start, start + insertedAtOnce)
    await trx.insertInto('app_usage_events').values(some).execute()
  }
}

/** Apps with what events tell of where they are. */
function appsWithPlaces(db: Db) {
  return db
    .selectFrom('apps')
    .innerJoin('spaces', 'spaces.guid', 'apps.space_guid')
    .leftJoin('droplets', 'droplets.guid', 'apps.droplet_guid')
    .select([
      'apps.guid as app_guid',
      'apps.name as app_name',
      'apps.space_guid',
      'spaces.name as space_name',
      'spaces.organization_guid',
      'droplets.buildpacks as droplet_buildpacks',
    ])
}

type App = Awaited<ReturnType<ReturnType<typeof appsWithPlaces>['executeTakeFirstOrThrow']>>

function inApp({ app_guid, app_name, space_guid, space_name, organization_guid }: App) {
  const time = now()
  return {
    guid: randomUUID(),
    created_at: time,
    updated_at: time,
    app_guid,
    app_name,
    space_guid,
    space_name,
    organization_guid,
    task_guid: null,
    task_name: null,
  }
}

const ofProcess = (before: Footprint, after: Footprint & Pick<UsedProcess, 'guid' | 'type'>) => ({
  state: after.state,
  previous_state: before.state,
  instance_count: after.instances,
  previous_instance_count: before.instances,
  memory_in_mb_per_instance: after.memory_in_mb,
  previous_memory_in_mb_per_instance: before.memory_in_mb,
  process_guid: after.guid,
  process_type: after.type,
})

function finalBuildpack(buildpacks: string | null): string | null {
  const names: Array<{ name: string }> = buildpacks === null ? [] : JSON.parse(buildpacks)
  return names.at(-1)?.name ?? null
}

/** How events name buildpacks; one that is no system buildpack (any more) has no guid. */
async function buildpackNaming(trx: Trx) {
  const known = await trx.selectFrom('buildpacks').select(['guid', 'name']).orderBy('position').execute()
  return (name: string | null) => ({
    buildpack_guid: known.find((buildpack) => buildpack.name === name)?.guid ?? null,
    buildpack_name: name === null ? null : obfuscatedUrl(name),
  })
}

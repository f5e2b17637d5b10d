import { randomUUID } from 'node:crypto'
import type { Settings } from '../config.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Db, Row, Trx } from '../db/schema.ts'
import { apiError, badRequest } from '../errors/api-error.ts'
import type { Caller } from '../permissions/caller.ts'
import { type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { recordAppEvent } from './app-events.ts'
import type { Lifecycle } from './app-lifecycle.ts'
import { recordStagingUsage } from './app-usage-events.ts'
import { actorOf } from './audit-events.ts'
import { webProcessType } from './processes.ts'
import { requireRoomForStaging } from './staging-quotas.ts'

export interface BuildMessage {
  readonly staging_memory_in_mb?: number | null | undefined
  readonly staging_disk_in_mb?: number | null | undefined
  readonly staging_log_rate_limit_bytes_per_second?: number | null | undefined
  readonly metadata?: MetadataMessage | undefined
}

export interface NewBuild {
  readonly app: Row<'apps'>
  readonly packageRow: Row<'packages'>
  readonly lifecycle: Pick<Lifecycle, 'type' | 'buildpacks' | 'stack'>
  readonly message: BuildMessage
  readonly settings: Settings
}

/**
 * Creates a build in STAGING; the task is sent after the commit (`staging/stage-build.ts`). Throws 422/170017 while another
 * build of the app is staging, 400/1004 for a package that is not READY, 400/290003 for disabled buildpacks, 422 beyond quotas.
 * Source: cloud_controller_ng app/actions/build_create.rb.
 */
export async function createBuild(trx: Trx, build: NewBuild, caller: Caller): Promise<string> {
  const { app, packageRow, lifecycle, message, settings } = build
  await requireNoOtherBuild(trx, app.guid)
  if (packageRow.state !== 'READY') throw badRequest('Cannot stage package whose state is not ready.')
  await requireEnabledBuildpacks(trx, lifecycle)
  const web = await newestWebProcess(trx, app.guid)
  const wanted = {
    memoryInMb: message.staging_memory_in_mb ?? web?.memory_in_mb ?? 0,
    diskInMb: message.staging_disk_in_mb ?? web?.disk_in_mb ?? 0,
    logRateInBytesPerSecond:
      message.staging_log_rate_limit_bytes_per_second ??
      web?.log_rate_limit_in_bytes_per_second ??
      settings.apps.logRateLimitInBytesPerSecond,
  }
  await requireRoomForStaging(trx, settings, app.space_guid, wanted)
  const guid = randomUUID()
  const time = now()
  await trx
    .insertInto('builds')
    .values({
      guid,
      created_at: time,
      updated_at: time,
      app_guid: app.guid,
      package_guid: packageRow.guid,
      droplet_guid: null,
      state: 'STAGING',
      error_id: null,
      error_description: null,
      lifecycle_type: lifecycle.type,
      lifecycle_buildpacks: JSON.stringify(lifecycle.buildpacks),
      lifecycle_stack: lifecycle.stack,
      staging_memory_in_mb: Math.max(wanted.memoryInMb, settings.staging.minimumMemoryInMb),
      staging_disk_in_mb: Math.max(wanted.diskInMb, settings.staging.minimumDiskInMb),
      staging_log_rate_limit_bytes_per_second: wanted.logRateInBytesPerSecond,
      created_by_user_guid: caller.userGuid,
      created_by_user_name: caller.userName ?? '',
      created_by_user_email: caller.email ?? '',
    })
    .execute()
  await saveMetadata(trx, { type: 'build', guid }, message.metadata)
  await recordStagingUsage(trx, 'STAGING_STARTED', {
    app_guid: app.guid,
    lifecycle_buildpacks: JSON.stringify(lifecycle.buildpacks),
  })
  await recordAppEvent(trx, { actor: actorOf(caller) }, 'build.create', app, {
    build_guid: guid,
    package_guid: packageRow.guid,
  })
  return guid
}

/** Locks the app's row first, so that of two requests at once one sees the other's build. */
async function requireNoOtherBuild(trx: Trx, appGuid: string): Promise<void> {
  await lockRow(trx, 'apps', appGuid)
  const other = await trx
    .selectFrom('builds')
    .select('id')
    .where('app_guid', '=', appGuid)
    .where('state', '=', 'STAGING')
    .limit(1)
    .executeTakeFirst()
  if (other) throw apiError('StagingInProgress')
}

async function requireEnabledBuildpacks(trx: Trx, { type, buildpacks, stack }: NewBuild['lifecycle']): Promise<void> {
  if (type === 'docker' || buildpacks.length === 0) return
  const disabled = await trx
    .selectFrom('buildpacks')
    .select('name')
    .where('name', 'in', [...buildpacks])
    .where('enabled', '=', 0)
    .where((eb) => eb.or([eb('stack', 'is', null), eb('stack', '=', stack ?? '')]))
    .orderBy('position')
    .execute()
  if (disabled.length === 0) return
  const names = disabled.map(({ name }) => `'${name}'`).join(', ')
  throw apiError('BuildpackInvalid', `Requested buildpack(s) ${names} are disabled and cannot be used for staging`)
}

function newestWebProcess(trx: Trx, appGuid: string): Promise<Row<'processes'> | undefined> {
  return trx
    .selectFrom('processes')
    .selectAll()
    .where('app_guid', '=', appGuid)
    .where('type', '=', webProcessType)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** The STAGING build with this guid and its app, locked; undefined when it is gone or has ended already. */
export async function lockStagingBuild(
  trx: Trx,
  guid: string,
): Promise<{ build: Row<'builds'>; app: Row<'apps'> } | undefined> {
  const build = await trx
    .updateTable('builds')
    .set({ updated_at: now() })
    .where('guid', '=', guid)
    .where('state', '=', 'STAGING')
    .returningAll()
    .executeTakeFirst()
  if (!build) return undefined
  const app = await trx.selectFrom('apps').selectAll().where('guid', '=', build.app_guid).executeTakeFirst()
  return app && { build, app }
}

/** Ends a build as FAILED, and the droplet that it had begun. */
export async function failBuild(
  trx: Trx,
  { build, app }: { build: Row<'builds'>; app: Row<'apps'> },
  failure: { id: string; description: string },
): Promise<void> {
  await trx
    .updateTable('builds')
    .set({ state: 'FAILED', error_id: failure.id, error_description: failure.description, updated_at: now() })
    .where('guid', '=', build.guid)
    .execute()
  await trx
    .updateTable('droplets')
    .set({ state: 'FAILED', error: `${failure.id} - ${failure.description}`, updated_at: now() })
    .where('build_guid', '=', build.guid)
    .where('state', '=', 'STAGING')
    .execute()
  await recordStagingUsage(trx, 'STAGING_STOPPED', build)
  await recordAppEvent(trx, { actor: builderOf(build) }, 'build.failed', app, {
    build_guid: build.guid,
    package_guid: build.package_guid,
    error_id: failure.id,
    error_message: failure.description,
  })
}

export interface StagedDroplet {
  readonly processTypes: Readonly<Record<string, string>>
  readonly buildpacks: ReadonlyArray<{
    readonly name: string
    readonly detect_output: string | null
    readonly buildpack_name: string | null
    readonly version: string | null
  }>
  readonly sidecars: ReadonlyArray<{
    readonly name: string
    readonly command: string
    readonly process_types: readonly string[]
    readonly memory: number | null
  }>
}

/** Ends a build as STAGED with the droplet whose bits were uploaded. */
export async function completeBuild(
  trx: Trx,
  { build, app }: { build: Row<'builds'>; app: Row<'apps'> },
  dropletGuid: string,
  staged: StagedDroplet,
  keptDroplets: number,
): Promise<void> {
  const buildpacks = JSON.stringify(staged.buildpacks)
  await trx
    .updateTable('droplets')
    .set({
      state: 'STAGED',
      updated_at: now(),
      process_types: JSON.stringify(staged.processTypes),
      buildpacks,
      sidecars: JSON.stringify(staged.sidecars),
    })
    .where('guid', '=', dropletGuid)
    .execute()
  await trx
    .updateTable('builds')
    .set({ state: 'STAGED', droplet_guid: dropletGuid, updated_at: now() })
    .where('guid', '=', build.guid)
    .execute()
  for (const state of ['STAGING_STOPPED', 'BUILDPACK_SET'] as const)
    await recordStagingUsage(trx, state, build, buildpacks)
  await recordAppEvent(trx, { actor: builderOf(build) }, 'build.staged', app, {
    build_guid: build.guid,
    package_guid: build.package_guid,
    droplet_guid: dropletGuid,
    buildpacks: staged.buildpacks,
  })
  await expireOldDroplets(trx, app, keptDroplets)
}

/** Who acts in the events of a build that goes on by itself. */
export const builderOf = (build: Row<'builds'>) => ({
  guid: build.created_by_user_guid,
  type: 'user',
  name: build.created_by_user_email ?? '',
})

/**
 * Never the current droplet, which does not count. Their bits go with the clean-up of expired blobs.
 * Source: cloud_controller_ng lib/cloud_controller/bits_expiration.rb.
 */
async function expireOldDroplets(trx: Trx, app: Row<'apps'>, kept: number): Promise<void> {
  const ended = await trx
    .selectFrom('droplets')
    .select('guid')
    .where('app_guid', '=', app.guid)
    .where('state', 'in', ['STAGED', 'FAILED'])
    .orderBy('id', 'desc')
    .execute()
  const expired = ended.filter(({ guid }) => guid !== app.droplet_guid).slice(kept)
  if (expired.length === 0) return
  await trx
    .updateTable('droplets')
    .set({ state: 'EXPIRED', updated_at: now() })
    .where(
      'guid',
      'in',
      expired.map(({ guid }) => guid),
    )
    .execute()
}

/** Builds that have been staging for longer than they may. */
export function overdueBuilds(db: Db, timeoutInSeconds: number): Promise<Array<{ guid: string }>> {
  const horizon = new Date(Date.now() - timeoutInSeconds * 1000).toISOString()
  return db
    .selectFrom('builds')
    .select('guid')
    .where('state', '=', 'STAGING')
    .where('created_at', '<', horizon)
    .execute()
}

import { randomUUID } from 'node:crypto'
import type { Db, Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import { deleteMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Acting, recordAppEvent } from './app-events.ts'
import { builderOf, lockStagingBuild } from './builds.ts'

type App = Pick<Row<'apps'>, 'guid' | 'name' | 'space_guid' | 'lifecycle_type'>

const defaultProcessTypes = { web: '' }

/** Creates a droplet whose bits the client will upload itself. Throws 422 for an app of another lifecycle. Source: cloud_controller_ng app/actions/droplet_create.rb. */
export async function createDroplet(
  trx: Trx,
  acting: Pick<Acting, 'actor'>,
  app: App,
  processTypes: Readonly<Record<string, string>> | undefined,
): Promise<string> {
  if (app.lifecycle_type !== 'buildpack')
    throw unprocessable('Droplet creation is not available for apps with docker lifecycles.')
  const guid = await insertDroplet(trx, {
    app_guid: app.guid,
    lifecycle_type: app.lifecycle_type,
    state: 'AWAITING_UPLOAD',
    process_types: JSON.stringify(processTypes ?? defaultProcessTypes),
  })
  await recordAppEvent(trx, acting, 'droplet.create', app, { droplet_guid: guid })
  return guid
}

/** Makes the row of a copy; its bits are copied by the caller's job. Throws 422 when the source is not staged or of another lifecycle. */
export async function createDropletCopy(
  trx: Trx,
  acting: Pick<Acting, 'actor'>,
  app: App,
  source: Row<'droplets'>,
): Promise<string> {
  if (source.state !== 'STAGED') throw unprocessable('source droplet is not staged')
  if (source.lifecycle_type !== app.lifecycle_type)
    throw unprocessable('source and destination lifecycle types do not match')
  const { lifecycle_type, process_types, execution_metadata, buildpacks, stack, image, sidecars } = source
  const guid = await insertDroplet(trx, {
    app_guid: app.guid,
    lifecycle_type,
    state: lifecycle_type === 'docker' ? 'STAGED' : 'COPYING',
    process_types,
    execution_metadata,
    buildpacks,
    stack,
    image,
    sidecars,
  })
  await recordAppEvent(trx, acting, 'droplet.create', app, {
    droplet_guid: guid,
    request: { source_droplet_guid: source.guid },
  })
  return guid
}

/** The droplet that a staging build is making; made when its bits arrive. Undefined when the build is gone or has ended. */
export async function findOrCreateDropletOfBuild(
  trx: Trx,
  buildGuid: string,
): Promise<{ guid: string; app_guid: string; isNew: boolean } | undefined> {
  const staging = await lockStagingBuild(trx, buildGuid)
  if (!staging) return undefined
  const { build, app } = staging
  const existing = await trx
    .selectFrom('droplets')
    .select('guid')
    .where('build_guid', '=', build.guid)
    .executeTakeFirst()
  if (existing) return { guid: existing.guid, app_guid: app.guid, isNew: false }
  const guid = await insertDroplet(trx, {
    app_guid: app.guid,
    package_guid: build.package_guid,
    build_guid: build.guid,
    state: 'STAGING',
    lifecycle_type: build.lifecycle_type,
    process_types: null,
    buildpacks: null,
    stack: build.lifecycle_stack,
  })
  await recordAppEvent(trx, { actor: builderOf(build) }, 'droplet.create', app, {
    droplet_guid: guid,
    package_guid: build.package_guid,
  })
  return { guid, app_guid: app.guid, isNew: true }
}

async function insertDroplet(
  trx: Trx,
  values: Pick<Row<'droplets'>, 'app_guid' | 'lifecycle_type' | 'state' | 'process_types'> & Partial<Row<'droplets'>>,
): Promise<string> {
  const guid = randomUUID()
  const time = now()
  await trx
    .insertInto('droplets')
    .values({
      package_guid: null,
      build_guid: null,
      error: null,
      execution_metadata: '',
      buildpacks: '[]',
      stack: null,
      image: null,
      sha1: null,
      sha256: null,
      sidecars: null,
      ...values,
      guid,
      created_at: time,
      updated_at: time,
    })
    .execute()
  return guid
}

/** Takes the droplet for its one upload. Returns whether it was still awaiting it. */
export async function claimDropletUpload(trx: Trx, guid: string): Promise<boolean> {
  const claimed = await trx
    .updateTable('droplets')
    .set({ state: 'PROCESSING_UPLOAD', updated_at: now() })
    .where('guid', '=', guid)
    .where('state', '=', 'AWAITING_UPLOAD')
    .returning('guid')
    .executeTakeFirst()
  return claimed !== undefined
}

/** The droplet has its bits, or why it has none. Nothing happens when it has ended already, so that a job may say it twice. */
export async function finishDroplet(
  trx: Trx,
  guid: string,
  outcome: { sha1: string; sha256: string } | { error: string },
): Promise<void> {
  await trx
    .updateTable('droplets')
    .set({
      updated_at: now(),
      ...('error' in outcome
        ? { state: 'FAILED' as const, error: outcome.error }
        : { state: 'STAGED' as const, ...outcome }),
    })
    .where('guid', '=', guid)
    .where('state', 'in', ['PROCESSING_UPLOAD', 'COPYING'])
    .execute()
}

/** Throws 422 while an app has the droplet as its current one. */
export async function requireUnusedDroplet(db: Db, guid: string): Promise<void> {
  const app = await db.selectFrom('apps').select('guid').where('droplet_guid', '=', guid).limit(1).executeTakeFirst()
  if (app) throw unprocessable(`The droplet is currently used by app with guid "${app.guid}".`)
}

/** Removes the row; the blob is the caller's to delete after the commit. Throws 422 when an app was given the droplet meanwhile. */
export async function deleteDroplet(trx: Trx, guid: string): Promise<void> {
  await requireUnusedDroplet(trx, guid)
  await deleteMetadata(trx, 'droplet', [guid])
  const deleted = await trx.deleteFrom('droplets').where('guid', '=', guid).returning('build_guid').executeTakeFirst()
  if (deleted?.build_guid)
    await trx.updateTable('builds').set({ droplet_guid: null }).where('guid', '=', deleted.build_guid).execute()
}

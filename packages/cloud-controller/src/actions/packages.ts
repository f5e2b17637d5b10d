import { randomUUID } from 'node:crypto'
import type { Settings } from '../config.ts'
import { type EncryptionKeys, seal } from '../crypto/sealed-text.ts'
import type { Row, Trx } from '../db/schema.ts'
import { unprocessable } from '../errors/api-error.ts'
import type { Caller } from '../permissions/caller.ts'
import { deleteMetadata, type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Actor, actorOf, recordAuditEvent } from './audit-events.ts'

export interface PackageMessage {
  readonly type: 'bits' | 'docker'
  readonly data?:
    | {
        readonly image?: string | undefined
        readonly username?: string | undefined
        readonly password?: string | undefined
      }
    | undefined
  readonly metadata?: MetadataMessage | undefined
}

type App = Pick<Row<'apps'>, 'guid' | 'name' | 'space_guid' | 'lifecycle_type'>

const redacted = '***'

/** Creates a package. Throws 422 when its type does not fit the app's lifecycle. Source: cloud_controller_ng app/actions/package_create.rb. */
export async function createPackage(
  trx: Trx,
  { app, message, keys }: { app: App; message: PackageMessage; keys: EncryptionKeys },
  caller: Caller,
): Promise<string> {
  if (message.type === 'bits' && app.lifecycle_type === 'docker')
    throw unprocessable('Cannot create bits package for a Docker app.')
  if (message.type === 'docker' && app.lifecycle_type !== 'docker')
    throw unprocessable('Cannot create Docker package for a buildpack app.')
  const guid = randomUUID()
  const { image, username, password } = message.data ?? {}
  await insertPackage(trx, {
    guid,
    app_guid: app.guid,
    type: message.type,
    state: message.type === 'docker' ? 'READY' : 'AWAITING_UPLOAD',
    docker_image: image ?? null,
    docker_username: username ?? null,
    sealed_docker_password: password === undefined ? null : seal(password, keys),
  })
  await saveMetadata(trx, { type: 'package', guid }, message.metadata)
  const request = { ...message, ...(message.data && { data: { ...message.data, password: redacted } }) }
  await recordPackageEvent(trx, 'create', { app, packageGuid: guid }, actorOf(caller), { request })
  return guid
}

/**
 * Makes the row of a copy; its bits are copied by the caller's job, registry credentials are not. Throws 422 when source and
 * destination are the same app. Source: cloud_controller_ng app/actions/package_copy.rb.
 */
export async function createPackageCopy(
  trx: Trx,
  { app, source }: { app: App; source: Row<'packages'> },
  caller: Caller,
): Promise<string> {
  if (source.app_guid === app.guid) throw unprocessable('Source and destination app cannot be the same')
  const guid = randomUUID()
  await insertPackage(trx, {
    guid,
    app_guid: app.guid,
    type: source.type,
    state: source.type === 'docker' ? 'READY' : 'COPYING',
    docker_image: source.docker_image,
    docker_username: null,
    sealed_docker_password: null,
  })
  await recordPackageEvent(trx, 'create', { app, packageGuid: guid }, actorOf(caller), {
    request: { source_package_guid: source.guid },
  })
  return guid
}

async function insertPackage(
  trx: Trx,
  values: Pick<
    Row<'packages'>,
    'guid' | 'app_guid' | 'type' | 'state' | 'docker_image' | 'docker_username' | 'sealed_docker_password'
  >,
): Promise<void> {
  const time = now()
  await trx
    .insertInto('packages')
    .values({ ...values, created_at: time, updated_at: time, error: null, sha1: null, sha256: null })
    .execute()
}

/** Takes the package for an upload: of two uploads at once one wins. Returns whether it was still awaiting one. */
export async function claimPackageUpload(trx: Trx, packageGuid: string): Promise<boolean> {
  const claimed = await trx
    .updateTable('packages')
    .set({ state: 'PROCESSING_UPLOAD', updated_at: now() })
    .where('guid', '=', packageGuid)
    .where('state', '=', 'AWAITING_UPLOAD')
    .returning('guid')
    .executeTakeFirst()
  return claimed !== undefined
}

/**
 * Says how the upload or copy of a package ended; afterwards old packages of the app beyond the kept number are EXPIRED.
 * Nothing happens when it has ended already, so that a job may say it twice.
 */
export async function finishPackage(
  trx: Trx,
  packageGuid: string,
  outcome: { sha1: string; sha256: string } | { error: string },
  settings: Settings,
): Promise<void> {
  const finished = await trx
    .updateTable('packages')
    .set({
      updated_at: now(),
      ...('error' in outcome
        ? { state: 'FAILED' as const, error: outcome.error }
        : { state: 'READY' as const, ...outcome }),
    })
    .where('guid', '=', packageGuid)
    .where('state', 'in', ['PROCESSING_UPLOAD', 'COPYING'])
    .returning('app_guid')
    .executeTakeFirst()
  if (finished) await expireOldPackages(trx, finished.app_guid, settings.packages.keptPerApp)
}

/** Never the package of the current droplet, which does not count. Source: cloud_controller_ng lib/cloud_controller/bits_expiration.rb. */
async function expireOldPackages(trx: Trx, appGuid: string, kept: number): Promise<void> {
  const ended = await trx
    .selectFrom('packages')
    .leftJoin('apps', 'apps.guid', 'packages.app_guid')
    .leftJoin('droplets', 'droplets.guid', 'apps.droplet_guid')
    .select(['packages.guid', 'droplets.package_guid as current'])
    .where('packages.app_guid', '=', appGuid)
    .where('packages.state', 'in', ['READY', 'FAILED'])
    .orderBy('packages.id', 'desc')
    .execute()
  const expired = ended.filter(({ guid, current }) => guid !== current).slice(kept)
  if (expired.length === 0) return
  await trx
    .updateTable('packages')
    .set({ state: 'EXPIRED', updated_at: now() })
    .where(
      'guid',
      'in',
      expired.map(({ guid }) => guid),
    )
    .execute()
}

/**
 * Changes metadata, and the registry credentials of a Docker package, which can't be removed.
 * Source: cloud_controller_ng app/actions/package_update.rb.
 */
export async function updatePackage(
  trx: Trx,
  packageRow: Row<'packages'>,
  {
    username,
    password,
    metadata,
  }: {
    username?: string | null | undefined
    password?: string | null | undefined
    metadata?: MetadataMessage | undefined
  },
  keys: EncryptionKeys,
): Promise<void> {
  if (username || password)
    await trx
      .updateTable('packages')
      .set({
        updated_at: now(),
        ...(typeof username === 'string' && { docker_username: username }),
        ...(typeof password === 'string' && { sealed_docker_password: seal(password, keys) }),
      })
      .where('guid', '=', packageRow.guid)
      .execute()
  await saveMetadata(trx, { type: 'package', guid: packageRow.guid }, metadata)
}

/** Removes the row; the blob is the caller's to delete after the commit. */
export async function deletePackage(trx: Trx, packageGuid: string): Promise<void> {
  await deleteMetadata(trx, 'package', [packageGuid])
  await trx.deleteFrom('packages').where('guid', '=', packageGuid).execute()
}

export async function recordPackageEvent(
  trx: Trx,
  verb: 'create' | 'upload' | 'delete' | 'download',
  { app, packageGuid }: { app: Pick<App, 'guid' | 'name' | 'space_guid'>; packageGuid: string },
  actor: Actor,
  data: Record<string, unknown> = {},
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.app.package.${verb}`,
    target: { guid: app.guid, type: 'app', name: app.name },
    data: { package_guid: packageGuid, ...data },
    spaceGuid: app.space_guid,
  })
}

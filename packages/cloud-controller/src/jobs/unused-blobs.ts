import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobKind } from '../blobstore/blobstore.ts'
import type { Db } from '../db/schema.ts'
import type { ThreadServices } from '../http/environment.ts'
import { appGuidOfCacheKey } from '../staging/blob-urls.ts'

const batchSize = 500

/**
 * Deletes the bits of packages and droplets that expired, and of droplets whose staging failed; without checksums the rows
 * say that they have none. Source: cloud_controller_ng app/jobs/runtime/expired_blob_cleanup.rb.
 */
export async function deleteUnusedBlobs({ db, blobstore }: ThreadServices): Promise<void> {
  const unused = {
    packages: await db
      .selectFrom('packages')
      .select('guid')
      .where('state', '=', 'EXPIRED')
      .where('sha256', 'is not', null)
      .execute(),
    droplets: await db
      .selectFrom('droplets')
      .select('guid')
      .where('state', 'in', ['EXPIRED', 'FAILED'])
      .where('sha256', 'is not', null)
      .execute(),
  }
  for (const kind of ['packages', 'droplets'] as const) {
    for (const { guid } of unused[kind]) {
      await blobstore.delete(kind, guid)
      await db.updateTable(kind).set({ sha1: null, sha256: null }).where('guid', '=', guid).execute()
    }
  }
}

/** Which of the keys are of use. Resources are nobody's: they are kept for whoever pushes the same file next. */
const keysInUse: Readonly<Record<Exclude<BlobKind, 'resources'>, (db: Db, keys: string[]) => Promise<Set<string>>>> = {
  packages: (db, guids) => guidsOfLiving(db, 'packages', guids),
  droplets: (db, guids) => guidsOfLiving(db, 'droplets', guids),
  buildpacks: async (db, sha256s) => {
    const rows = await db.selectFrom('buildpacks').select('sha256').where('sha256', 'in', sha256s).execute()
    return new Set(rows.flatMap(({ sha256 }) => sha256 ?? []))
  },
  'buildpack-caches': async (db, keys) => {
    const rows = await db.selectFrom('apps').select('guid').where('guid', 'in', keys.map(appGuidOfCacheKey)).execute()
    const guids = new Set(rows.map(({ guid }) => guid))
    return new Set(keys.filter((key) => guids.has(appGuidOfCacheKey(key))))
  },
}

async function guidsOfLiving(db: Db, table: 'packages' | 'droplets', guids: string[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom(table)
    .select('guid')
    .where('guid', 'in', guids)
    .where('state', 'not in', ['EXPIRED', 'FAILED'])
    .execute()
  return new Set(rows.map(({ guid }) => guid))
}

/**
 * Deletes blobs that no row names, and folders of uploads that nobody ended: what was left where a process died between two
 * steps. Source: cloud_controller_ng app/jobs/runtime/orphaned_blobs_cleanup.rb.
 */
export async function sweepBlobstore({ db, blobstore, settings, logger }: ThreadServices): Promise<void> {
  const horizon = Date.now() - settings.cleanUp.orphanedBlobsKeptForHours * 3_600_000
  for (const kind of Object.keys(keysInUse) as Array<keyof typeof keysInUse>) {
    const old: string[] = []
    for await (const { key, modifiedAt } of blobstore.list(kind)) if (modifiedAt < horizon) old.push(key)
    for (let start = 0; start < old.length; start += batchSize) {
      const keys = old.slice(start, start + batchSize)
      const used = await keysInUse[kind](db, keys)
      for (const key of keys.filter((each) => !used.has(each))) {
        await blobstore.delete(kind, key)
        logger.info({ kind, key }, 'deleted a blob that nothing refers to')
      }
    }
  }
  await sweepUploads(join(settings.dataDirectory, 'uploads'), horizon)
}

/** Prefixes of the folders that uploads are taken apart in (bits/multipart.ts, bits/system-buildpacks.ts). */
const uploadFolders = ['form-', 'buildpack-']

async function sweepUploads(directory: string, horizon: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!uploadFolders.some((prefix) => name.startsWith(prefix))) continue
    const folder = join(directory, name)
    const found = await stat(folder).catch(() => undefined)
    if (found && found.mtimeMs < horizon) await rm(folder, { recursive: true, force: true })
  }
}

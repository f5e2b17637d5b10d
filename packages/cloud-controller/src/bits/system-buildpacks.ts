import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { z } from 'zod'
import type { Blobstore } from '../blobstore/blobstore.ts'
import type { Settings } from '../config.ts'
import type { Db } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'

/** `manifest.json` of the folder of system buildpacks, in the order of detection. */
const Manifest = z.array(
  z.object({ name: z.string(), directory: z.string(), stack: z.string().nullable().default(null) }),
)

/** A file of a buildpack. */
interface BuildpackFile {
  readonly name: string
  readonly content: Buffer
  readonly mode: number
}

/**
 * Installs the buildpacks that come with the system, as CC's `install_buildpacks` does: new ones are added at the end, those
 * whose files changed get new bits unless they are locked; position and `enabled` stay as the operator set them. Costs only
 * some hashing when nothing has changed.
 */
export async function installSystemBuildpacks(db: Db, blobstore: Blobstore, settings: Settings): Promise<void> {
  const { buildpacksDirectory } = settings
  if (buildpacksDirectory === null) return
  const manifest = Manifest.parse(JSON.parse(await readFile(join(buildpacksDirectory, 'manifest.json'), 'utf8')))
  for (const { name, directory, stack } of manifest) {
    const files = await filesOf(join(buildpacksDirectory, directory))
    await installBuildpack(db, blobstore, settings, { name, stack, files, sha256: contentHash(files) })
  }
}

async function filesOf(directory: string): Promise<BuildpackFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    paths.sort().map(async (path) => ({
      name: path.slice(directory.length + 1),
      content: await readFile(path),
      mode: (await stat(path)).mode & 0o111 ? 0o755 : 0o644,
    })),
  )
}

/** Names the bits: files, names and modes, not the archive, whose bytes depend on the zip library. */
function contentHash(files: readonly BuildpackFile[]): string {
  const hash = createHash('sha256')
  for (const { name, mode, content } of files) hash.update(`${name}\0${mode}\0${content.length}\0`).update(content)
  return hash.digest('hex')
}

interface SystemBuildpack {
  readonly name: string
  readonly stack: string | null
  readonly files: readonly BuildpackFile[]
  readonly sha256: string
}

async function installBuildpack(
  db: Db,
  blobstore: Blobstore,
  settings: Settings,
  buildpack: SystemBuildpack,
): Promise<void> {
  const { name, stack, files, sha256 } = buildpack
  const installed = await db
    .selectFrom('buildpacks')
    .select(['guid', 'sha256', 'locked'])
    .where('name', '=', name)
    .where('lifecycle', '=', 'buildpack')
    .where((eb) => (stack === null ? eb('stack', 'is', null) : eb('stack', '=', stack)))
    .executeTakeFirst()
  if (installed && (installed.sha256 === sha256 || installed.locked === 1)) return
  await storeArchive(blobstore, settings, files, sha256)
  const bits = { sha256, filename: `${name}.zip`, updated_at: now() }
  if (installed) await db.updateTable('buildpacks').set(bits).where('guid', '=', installed.guid).execute()
  else await insertBuildpack(db, { name, stack, ...bits })
}

async function storeArchive(
  blobstore: Blobstore,
  settings: Settings,
  files: readonly BuildpackFile[],
  key: string,
): Promise<void> {
  const directory = await mkdtemp(join(settings.dataDirectory, 'uploads', 'buildpack-'))
  try {
    const archive = join(directory, 'buildpack.zip')
    const zip = new ZipFile()
    for (const { name, content, mode } of files) zip.addBuffer(content, name, { mode, mtime: new Date(0) })
    zip.end()
    await pipeline(Readable.from(zip.outputStream), createWriteStream(archive))
    await blobstore.put('buildpacks', key, archive)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** At the end of the list. Another Cloud Controller may have been quicker: then there is nothing left to do. */
async function insertBuildpack(
  db: Db,
  values: { name: string; stack: string | null; sha256: string; filename: string; updated_at: string },
): Promise<void> {
  await db
    .insertInto('buildpacks')
    .values((eb) => ({
      ...values,
      guid: randomUUID(),
      created_at: values.updated_at,
      position: eb
        .selectFrom('buildpacks')
        .select((inner) => inner.fn.coalesce(inner(inner.fn.max('position'), '+', 1), inner.lit(1)).as('position')),
      enabled: 1,
      locked: 0,
      lifecycle: 'buildpack',
    }))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

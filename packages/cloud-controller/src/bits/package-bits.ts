import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { ThreadServices } from '../http/environment.ts'
import { checksumsOf } from './checksums.ts'
import { keepResources, type Resource } from './resource-pool.ts'
import { withZip, writeZip } from './zip-archive.ts'

/** A package that can't be made of what was sent; the message is for the user. */
export class InvalidPackage extends Error {
  override readonly name = 'InvalidPackage'
}

const defaultMode = '644'

/**
 * Makes the package's zip of the uploaded archive (if any) and the files that matched, and puts it into the blobstore under
 * `key`. `workDirectory` is for what lies in between. Throws InvalidZip or InvalidPackage.
 */
export async function storePackageBits(
  { blobstore, settings }: Pick<ThreadServices, 'blobstore' | 'settings'>,
  key: string,
  {
    zipFile,
    resources,
    workDirectory,
  }: { zipFile: string | undefined; resources: readonly Resource[]; workDirectory: string },
): Promise<{ sha1: string; sha256: string }> {
  const whole = join(workDirectory, 'package.zip')
  if (zipFile !== undefined) {
    await withZip(zipFile, async () => {})
    await keepResources(blobstore, settings.packages, { zipFile, workDirectory })
  }
  if (resources.length > 0) await writeZip(whole, zipFile, await matchedFiles(blobstore, resources))
  else if (zipFile === undefined) await writeZip(whole, undefined, [])
  else await rename(zipFile, whole)
  const checksums = await checksumsOf(whole)
  await blobstore.put('packages', key, whole)
  return checksums
}

async function matchedFiles(blobstore: ThreadServices['blobstore'], resources: readonly Resource[]) {
  return Promise.all(
    resources.map(async ({ path, sha1, mode }) => {
      const file = await blobstore.fileOf('resources', sha1)
      if (file === undefined) throw new InvalidPackage(`The resource ${path} is not known any more. Please push again.`)
      return { path: file, nameInArchive: safeName(path), mode: Number.parseInt(mode ?? defaultMode, 8) & 0o777 }
    }),
  )
}

/** A path inside the package: relative and without steps upwards. Throws InvalidPackage. */
function safeName(path: string): string {
  const parts = path.replaceAll('\\', '/').split('/')
  if (path.startsWith('/') || parts.includes('..') || path.includes('\0'))
    throw new InvalidPackage(`The resource path ${JSON.stringify(path)} is not inside the app.`)
  return parts.filter((part) => part !== '' && part !== '.').join('/')
}

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Blobstore } from '../blobstore/blobstore.ts'
import type { Settings } from '../config.ts'
import { extractEntry, isDirectory, withZip } from './zip-archive.ts'

/** A file of an app as the client names it: what it is, and where it goes. */
export interface Resource {
  readonly path: string
  readonly sha1: string
  readonly sizeInBytes: number
  /** Octal text. */
  readonly mode: string | undefined
}

const sha1Form = /^[0-9a-f]{40}$/

/** Those of the resources whose bytes are known, so that the client need not send them. */
export async function matchResources(
  blobstore: Blobstore,
  { minimumResourceSizeInBytes, maximumResourceSizeInBytes }: Settings['packages'],
  resources: readonly Resource[],
): Promise<Resource[]> {
  const matched: Resource[] = []
  for (const resource of resources) {
    const { sizeInBytes, sha1 } = resource
    if (!sha1Form.test(sha1)) continue
    if (sizeInBytes < minimumResourceSizeInBytes || sizeInBytes > maximumResourceSizeInBytes) continue
    const file = await blobstore.fileOf('resources', sha1)
    if (file && (await stat(file)).size === sizeInBytes) matched.push(resource)
  }
  return matched
}

/** Keeps the files of an uploaded archive that are worth keeping, for later matches. */
export async function keepResources(
  blobstore: Blobstore,
  limits: Settings['packages'],
  { zipFile, workDirectory }: { zipFile: string; workDirectory: string },
): Promise<void> {
  const directory = await mkdtemp(join(workDirectory, 'resources-'))
  try {
    await withZip(zipFile, async (zip, entries) => {
      for (const entry of entries) {
        const size = entry.uncompressedSize
        if (isDirectory(entry) || size < limits.minimumResourceSizeInBytes || size > limits.maximumResourceSizeInBytes)
          continue
        const { path, sha1 } = await extractEntry(zip, entry, directory)
        if (await blobstore.fileOf('resources', sha1)) await rm(path)
        else await blobstore.put('resources', sha1, path)
      }
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What kinds of blobs there are; each is a folder of its own. */
export type BlobKind = 'packages' | 'droplets' | 'buildpacks' | 'buildpack-caches' | 'resources'

/** Keeps files under keys. A blob is written whole or not at all. */
export interface Blobstore {
  /** Takes over the file at `source`, which is gone afterwards. */
  put(kind: BlobKind, key: string, source: string): Promise<void>
  /** Copies within the store, for copies of packages and droplets. Throws if there is no such blob. */
  copy(kind: BlobKind, fromKey: string, toKey: string): Promise<void>
  /** Path of a local file with the blob's bytes, to stream from; undefined when there is none. */
  fileOf(kind: BlobKind, key: string): Promise<string | undefined>
  /** Nothing happens when there is no such blob. */
  delete(kind: BlobKind, key: string): Promise<void>
}

/** A blobstore on a local disk. Keys are spread over folders, so that none has too many entries. */
export function diskBlobstore(directory: string): Blobstore {
  const pathOf = (kind: BlobKind, key: string): string => {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(key)) throw new Error(`not a blob key: ${key}`)
    return join(directory, kind, key.slice(0, 2), key.slice(2, 4), key)
  }
  return {
    async put(kind, key, source) {
      const target = pathOf(kind, key)
      await mkdir(dirname(target), { recursive: true })
      await moveFile(source, target)
    },
    async copy(kind, fromKey, toKey) {
      const target = pathOf(kind, toKey)
      await mkdir(dirname(target), { recursive: true })
      const partial = `${target}.partial`
      await copyFile(pathOf(kind, fromKey), partial)
      await rename(partial, target)
    },
    async fileOf(kind, key) {
      const file = pathOf(kind, key)
      const found = await stat(file).catch(() => undefined)
      return found?.isFile() ? file : undefined
    },
    async delete(kind, key) {
      await rm(pathOf(kind, key), { force: true })
    },
  }
}

/** Renames; where the source is on another disk, copies beside the target first, so that no reader sees half a file. */
async function moveFile(source: string, target: string): Promise<void> {
  try {
    await rename(source, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copyFile(source, `${target}.partial`)
    await rename(`${target}.partial`, target)
    await rm(source, { force: true })
  }
}

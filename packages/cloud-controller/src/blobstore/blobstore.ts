import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
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
  /** All blobs of a kind, also what interrupted writes left behind. Blobs that come or go meanwhile may be missing. */
  list(kind: BlobKind): AsyncIterable<StoredBlob>
}

export interface StoredBlob {
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

const keyForm = /^[A-Za-z0-9][\w.-]*$/

/** A blobstore on a local disk. Keys are spread over folders, so that none has too many entries. */
export function diskBlobstore(directory: string): Blobstore {
  const pathOf = (kind: BlobKind, key: string): string => {
    if (!keyForm.test(key)) throw new Error(`not a blob key: ${key}`)
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
      await copyWhole(pathOf(kind, fromKey), target)
    },
    async fileOf(kind, key) {
      // A key may come from a URL; what can't be one names no blob.
      if (!keyForm.test(key)) return undefined
      const file = pathOf(kind, key)
      const found = await stat(file).catch(() => undefined)
      return found?.isFile() ? file : undefined
    },
    async delete(kind, key) {
      await rm(pathOf(kind, key), { force: true })
    },
    async *list(kind) {
      const entries = await readdir(join(directory, kind), { recursive: true, withFileTypes: true }).catch(noEntries)
      for (const entry of entries) {
        if (!entry.isFile()) continue
        const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
        if (found) yield { key: entry.name, modifiedAt: found.mtimeMs }
      }
    },
  }
}

/** The folder of a kind is made with its first blob. */
function noEntries(error: NodeJS.ErrnoException): [] {
  if (error.code !== 'ENOENT') throw error
  return []
}

/** Copies beside the target first, so that no reader sees half a file, under a name of its own, since two may copy at once. */
async function copyWhole(source: string, target: string): Promise<void> {
  const partial = `${target}.partial-${randomUUID()}`
  try {
    await copyFile(source, partial)
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** Renames, or copies where the source is on another disk. */
async function moveFile(source: string, target: string): Promise<void> {
  try {
    await rename(source, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copyWhole(source, target)
    await rm(source, { force: true })
  }
}

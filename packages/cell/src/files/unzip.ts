import { stat } from 'node:fs/promises'
import type { Entry, ZipFile } from 'yauzl'
import type { ArchiveLimits } from '../config.ts'
import { ArchiveError } from './archive-error.ts'
import { ArchiveTree } from './archive-tree.ts'

const fileTypeMask = 0o170000
const symbolicLink = 0o120000
const maxLinkInBytes = 4_096

/**
 * Unpacks a zip into the empty folder `root`. Throws an ArchiveError for a file that is no zip, is damaged, or is unsafe
 * (see ArchiveTree). Files get their permission bits if the zip has any.
 */
export async function unzip(file: string, root: string, limits: ArchiveLimits, signal?: AbortSignal): Promise<void> {
  const tree = new ArchiveTree(root, {
    maxEntries: limits.maxEntries,
    maxSizeInBytes: limits.maxSizeInMb * 1024 ** 2,
    maxRatio: limits.maxRatio,
    packedSizeInBytes: (await stat(file)).size,
    absoluteLinks: 'refuse',
  })
  const { openPromise } = await import('yauzl')
  const zip = await openPromise(file).catch((error: unknown) => {
    throw damaged(error)
  })
  try {
    for await (const entry of zip.eachEntry()) {
      signal?.throwIfAborted()
      await addEntry(tree, zip, entry)
    }
    await tree.finish()
  } catch (error) {
    signal?.throwIfAborted()
    throw error instanceof Error && 'code' in error ? error : damaged(error)
  } finally {
    zip.close()
  }
}

async function addEntry(tree: ArchiveTree, zip: ZipFile, entry: Entry): Promise<void> {
  const name = entry.fileName
  if (name.endsWith('/')) return tree.addDirectory(name)
  if (entry.isEncrypted()) throw new ArchiveError(`archive entry ${name} is encrypted`)
  // Who packed it on a Unix left mode and type in the upper half; others left zero.
  const attributes = entry.externalFileAttributes >>> 16
  const mode = attributes & 0o777 || 0o644
  const content = contentOf(zip, entry)
  if ((attributes & fileTypeMask) !== symbolicLink)
    return tree.addFile(name, mode | 0o600, entry.uncompressedSize, content)
  const target: Uint8Array[] = []
  let length = 0
  for await (const chunk of content) {
    length += chunk.length
    if (length > maxLinkInBytes) throw new ArchiveError(`archive link ${name} is too long`)
    target.push(chunk)
  }
  return tree.addSymbolicLink(name, Buffer.concat(target).toString('utf8'))
}

/** What yauzl and zlib report of a damaged entry. Errors of the file system pass by: they are not the archive's fault. */
async function* contentOf(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) yield chunk as Uint8Array
  } catch (error) {
    throw damaged(error)
  }
}

function damaged(cause: unknown): Error {
  if (cause instanceof ArchiveError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ArchiveError(`not a valid zip archive: ${reason}`, { cause })
}

import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import type { ReadEntry } from 'tar'
import type { ArchiveLimits } from '../config.ts'
import { ArchiveError } from './archive-error.ts'
import { ArchiveTree } from './archive-tree.ts'

/**
 * Unpacks a .tgz (a droplet or a build artifacts cache) into the empty folder `root`. Throws an ArchiveError for a file
 * that is damaged or unsafe (see ArchiveTree). Absolute symbolic links are kept: a buildpack may link to tools of the host.
 */
export async function untar(
  file: string,
  root: string,
  limits: Pick<ArchiveLimits, 'maxEntries'> & { maxSizeInBytes: number },
  signal?: AbortSignal,
): Promise<void> {
  const tree = new ArchiveTree(root, {
    ...limits,
    // Apps ship large compressible files and the droplet is bounded by the disk quota, so only the size counts.
    maxRatio: Number.POSITIVE_INFINITY,
    packedSizeInBytes: (await stat(file)).size,
    absoluteLinks: 'keep',
  })
  const { Parser } = await import('tar')
  const parser = new Parser()
  let failure: unknown
  let work: Promise<void> = Promise.resolve()
  let current: ReadEntry | undefined
  const fail = (error: unknown) => {
    failure ??= error
    parser.emit('drain')
  }
  /** Ends with the failure: either it is seen between two chunks, or the wait for the next one ends when the entry is destroyed. */
  async function* contentOf(entry: ReadEntry): AsyncGenerator<Uint8Array> {
    if (failure) throw failure
    for await (const chunk of entry) {
      yield chunk
      if (failure) throw failure
    }
  }
  parser.on('error', fail)
  parser.on('warn', (code: string, message: string) => {
    if (code === 'TAR_BAD_ARCHIVE' || code === 'TAR_ABORT' || code === 'TAR_ENTRY_INVALID')
      fail(new ArchiveError(`not a valid tar archive: ${message}`))
  })
  parser.on('entry', (entry: ReadEntry) => {
    work = work
      .then(() => {
        if (failure) return undefined
        current = entry
        return addEntry(tree, entry, contentOf(entry))
      })
      .catch(fail)
      .finally(() => entry.resume())
  })
  const ended = once(parser, 'end')
  ended.catch(fail)
  // Unpacked by zlib's own threads; tar would do it on this one.
  const packed = createReadStream(file)
  const content = packed.pipe(createGunzip({ chunkSize: 128 * 1024 }))
  packed.once('error', (error) => content.destroy(error))
  try {
    for await (const chunk of content) {
      signal?.throwIfAborted()
      if (failure) break
      if (!parser.write(chunk)) await once(parser, 'drain')
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    fail(code?.startsWith('Z_') ? new ArchiveError(`not a valid tar archive: ${message}`, { cause: error }) : error)
  } finally {
    packed.destroy()
  }
  if (!failure) {
    parser.end()
    await Promise.race([ended, once(parser, 'drain')])
    await work
  }
  if (failure) {
    // The rest of the file that is being written will never come; without its end it would stay open for ever.
    current?.destroy()
    await work
    throw failure
  }
  await tree.finish()
}

async function addEntry(tree: ArchiveTree, entry: ReadEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
  switch (entry.type) {
    case 'Directory':
    case 'GNUDumpDir':
      return tree.addDirectory(entry.path)
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
      return tree.addFile(entry.path, (entry.mode ?? 0o644) | 0o600, entry.size, content)
    case 'SymbolicLink':
      return tree.addSymbolicLink(entry.path, entry.linkpath ?? '')
    case 'Link':
      return tree.addHardLink(entry.path, entry.linkpath ?? '')
    default:
      // Devices and pipes have no place in a droplet; tar itself leaves out what it can't make.
      return undefined
  }
}

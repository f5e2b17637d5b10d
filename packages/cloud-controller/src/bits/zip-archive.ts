import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { ZipFile as ZipWriter } from 'yazl'
import { contentOf } from './inflate-entry.ts'
import { saveTo } from './save-stream.ts'

/** An archive that is none, or whose directory is broken. */
export class InvalidZip extends Error {
  override readonly name = 'InvalidZip'
}

const defaultFileMode = 0o644

/** Opens an archive and closes it again. Throws InvalidZip when the file is none. */
export async function withZip<T>(
  file: string,
  use: (zip: ZipFile, entries: readonly Entry[]) => Promise<T>,
): Promise<T> {
  let zip: ZipFile
  try {
    zip = await openPromise(file, { lazyEntries: true, autoClose: false })
  } catch (cause) {
    throw new InvalidZip('the file is not a zip archive', { cause })
  }
  try {
    return await use(zip, await entriesOf(zip))
  } finally {
    zip.close()
  }
}

async function entriesOf(zip: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = []
  try {
    for await (const entry of zip.eachEntry()) entries.push(entry)
  } catch (cause) {
    throw new InvalidZip(`the zip archive is broken: ${(cause as Error).message}`, { cause })
  }
  return entries
}

export const isDirectory = (entry: Entry): boolean => entry.fileName.endsWith('/')

/** Permission bits that the archive gives the entry. */
export function modeOf(entry: Entry): number {
  return (entry.externalFileAttributes >>> 16) & 0o777 || defaultFileMode
}

/** Writes an entry to a file in `directory` and returns its path and SHA-1. Throws InvalidZip when its bytes are broken. */
export async function extractEntry(
  zip: ZipFile,
  entry: Entry,
  directory: string,
): Promise<{ path: string; sha1: string }> {
  const path = join(directory, createHash('sha1').update(entry.fileName).digest('hex'))
  const hash = createHash('sha1')
  let sizeInBytes = 0
  const hashing = new Transform({
    transform(chunk, _encoding, done) {
      sizeInBytes += chunk.length
      hash.update(chunk)
      done(sizeInBytes > entry.uncompressedSize ? wrongSize() : null, chunk)
    },
    flush: (done) => done(sizeInBytes < entry.uncompressedSize ? wrongSize() : null),
  })
  try {
    await pipeline(await contentOf(zip, entry), hashing, saveTo(path))
  } catch (cause) {
    throw new InvalidZip(`the zip archive is broken at ${entry.fileName}`, { cause })
  }
  return { path, sha1: hash.digest('hex') }
}

const wrongSize = (): Error => new Error('the content is not as long as the archive says')

/** A file that goes into an archive. */
export interface ArchiveFile {
  readonly path: string
  readonly nameInArchive: string
  readonly mode: number
}

/** Writes a new archive of everything in `base` (if there is one) and the files. */
export async function writeZip(target: string, base: string | undefined, files: readonly ArchiveFile[]): Promise<void> {
  const writer = new ZipWriter()
  const added = async (): Promise<void> => {
    for (const { path, nameInArchive, mode } of files) writer.addFile(path, nameInArchive, { mode })
    writer.end()
    await pipeline(Readable.from(writer.outputStream), createWriteStream(target))
  }
  if (base === undefined) return added()
  const replaced = new Set(files.map((file) => file.nameInArchive))
  await withZip(base, async (zip, entries) => {
    for (const entry of entries) {
      if (replaced.has(entry.fileName)) continue
      if (isDirectory(entry)) writer.addEmptyDirectory(entry.fileName)
      else
        writer.addReadStreamLazy(entry.fileName, { mode: modeOf(entry) }, (done) => {
          zip.openReadStreamPromise(entry).then(
            (stream) => done(null, stream),
            (error: unknown) => done(error, Readable.from([])),
          )
        })
    }
    await added()
  })
}

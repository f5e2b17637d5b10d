import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { createInflateRaw, type InflateRaw } from 'node:zlib'
import { freeBuffer } from '@vcap/reactor/thread'
import type { Entry, ZipFile } from 'yauzl'

/** Larger than what Node.js cuts from a shared pool, so that each chunk can be given back by itself. */
const chunkInBytes = 256 * 1024
const deflated = 8

/**
 * The content of an archive's entry. Like yauzl's own stream, but it keeps no more than a few chunks in memory, and leaves it to the
 * caller to compare the size with what the archive says. Rejects where yauzl does: an encrypted entry, an unknown compression.
 */
export async function contentOf(zip: ZipFile, entry: Entry): Promise<Readable> {
  if (entry.compressionMethod !== deflated || entry.isEncrypted()) return zip.openReadStreamPromise(entry)
  const compressed = await zip.openReadStreamPromise(entry, { decodeFileData: false })
  const inflate = createInflateRaw({ chunkSize: chunkInBytes })
  inflate.once('close', () => compressed.destroy())
  feed(inflate, compressed).catch((error: Error) => inflate.destroy(error))
  return inflate
}

/** A pipe that gives the memory of each chunk back when it is decompressed. */
async function feed(inflate: InflateRaw, compressed: Readable): Promise<void> {
  for await (const chunk of compressed as AsyncIterable<Buffer>) {
    const isTaken = inflate.write(chunk, (error) => {
      if (!error) freeBuffer(chunk)
    })
    if (!isTaken) await once(inflate, 'drain')
  }
  inflate.end()
}

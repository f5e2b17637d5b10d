import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { freeBuffer } from '@vcap/reactor/thread'

/** Hex digests of a file, read once. */
export async function checksumsOf(file: string): Promise<{ sha1: string; sha256: string }> {
  const sha1 = createHash('sha1')
  const sha256 = createHash('sha256')
  for await (const chunk of createReadStream(file)) {
    sha1.update(chunk)
    sha256.update(chunk)
    freeBuffer(chunk)
  }
  return { sha1: sha1.digest('hex'), sha256: sha256.digest('hex') }
}

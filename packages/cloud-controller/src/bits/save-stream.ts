import { open } from 'node:fs/promises'
import { freeBuffer } from '@vcap/reactor/thread'

/**
 * The end of a pipeline that writes what comes to a new file. Gives the memory of each chunk back as it is written, where else V8
 * would let 64 MiB of them gather; so the chunks must be of use to nobody else.
 */
export function saveTo(path: string): (chunks: AsyncIterable<Uint8Array>) => Promise<void> {
  return async (chunks) => {
    const file = await open(path, 'w')
    try {
      for await (const chunk of chunks) {
        await file.writeFile(chunk)
        freeBuffer(chunk)
      }
    } finally {
      await file.close()
    }
  }
}

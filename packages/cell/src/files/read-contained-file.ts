import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'

/**
 * The text of a file below `root`, which belongs to somebody who is not trusted; undefined if there is none. Throws if it
 * is no plain file, lies outside `root` behind a link (the cell may read what its apps may not), or is longer than `maxInBytes`.
 */
export async function readContainedFile(
  root: string,
  path: string,
  maxInBytes = 1024 ** 2,
): Promise<string | undefined> {
  let real: string
  try {
    real = await realpath(join(root, path))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
  if (!real.startsWith((await realpath(root)) + sep)) throw new Error(`${path} leads out of its folder`)
  // Without O_NONBLOCK a named pipe would keep us waiting for a writer.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Error(`${path} is not a plain file`)
    if (stat.size > maxInBytes) throw new Error(`${path} is longer than ${maxInBytes} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

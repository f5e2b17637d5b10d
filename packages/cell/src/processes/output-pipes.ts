import { execFile } from 'node:child_process'
import { chownSync, closeSync, constants, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AppUser } from '../run-as.ts'

const run = promisify(execFile)
let sequence = 0

export interface OutputPipe {
  /** What the process writes. */
  readonly reader: Socket
  /** Descriptor for the process's stdio. */
  readonly writer: number
  /** Closes the cell's own copy of `writer`, so that the reader sees the end once the process has ended. */
  closeWriter(): void
}

/**
 * Real pipes for a process's stdout and stderr. Node.js itself would give it socket pairs, and those can't be opened
 * again by the name /dev/stdout, as nginx and many others do. The pipes are named for an instant only, and belong to the
 * user that the process runs as, because opening /dev/stdout asks for that right.
 */
export async function openOutputPipes(directory: string, user: AppUser | undefined): Promise<[OutputPipe, OutputPipe]> {
  const name = join(directory, `.output-${process.pid}-${sequence++}`)
  const paths = [`${name}-1`, `${name}-2`] as const
  await run('mkfifo', ['-m', '600', ...paths])
  try {
    const first = openPipe(paths[0], user)
    try {
      return [first, openPipe(paths[1], user)]
    } catch (error) {
      first.reader.destroy()
      first.closeWriter()
      throw error
    }
  } finally {
    await Promise.all(paths.map((path) => rm(path, { force: true })))
  }
}

function openPipe(path: string, user: AppUser | undefined): OutputPipe {
  // The reading side first and without waiting: then the writing side opens at once.
  const readSide = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  let writer: number | undefined
  try {
    writer = openSync(path, constants.O_WRONLY)
    if (user) chownSync(path, user.uid, user.gid)
  } catch (error) {
    closeSync(readSide)
    if (writer !== undefined) closeSync(writer)
    throw error
  }
  const descriptor = writer
  let open = true
  return {
    reader: new Socket({ fd: readSide, readable: true, writable: false }),
    writer: descriptor,
    closeWriter: () => {
      if (open) closeSync(descriptor)
      open = false
    },
  }
}

import { closeSync, openSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { identify } from '../system/process-identity.ts'
import { UserError } from '../user-error.ts'
import { type DataDirectory, writePrivateFile } from './data-directory.ts'

const Owner = z.object({ pid: z.number().int(), started: z.string(), apiUrl: z.string() })

export interface DataDirectoryLock {
  /** Leaves word of who holds the lock. */
  describe(apiUrl: string): Promise<void>
  release(): void
}

/**
 * Makes this process the only one that works in the data directory, or throws UserError that says who does. It is a lock of the
 * operating system, taken through SQLite since Node.js has no call for it: it ends with the process however that ends, so there is
 * no stale lock to judge and two processes can't both believe that they cleaned one up.
 */
export function lockDataDirectory(directory: DataDirectory): DataDirectoryLock {
  closeSync(openSync(directory.lockFile, 'a', 0o600))
  const database = new DatabaseSync(directory.lockFile, { timeout: 0 })
  try {
    takeLock(database)
  } catch (error) {
    database.close()
    if (isLocked(error)) throw inUse(directory, error as Error)
    throw new UserError(
      `${directory.lockFile} can't be locked: ${error instanceof Error ? error.message : error}. Is ${directory.root} on a disk of this machine?`,
      1,
      { cause: error },
    )
  }
  return {
    describe: (apiUrl) =>
      writePrivateFile(directory.ownerFile, JSON.stringify({ ...identify(process.pid), apiUrl } satisfies OwnerInput)),
    release: () => database.close(),
  }
}

/**
 * SQLite takes a lock in steps, so of two processes that begin at the same moment each may meet a step of the other, and both
 * fail. Each then comes back after a time of its own; a real owner still has it by then.
 */
function takeLock(database: DatabaseSync): void {
  const giveUpAt = performance.now() + contestInMs
  for (let attempt = 1; ; attempt++) {
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
      return
    } catch (error) {
      // However late it is: a process that stood still has waited and not tried.
      if (!isLocked(error) || (attempt >= leastAttempts && performance.now() > giveUpAt)) throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10 + Math.random() * 50)
  }
}

const contestInMs = 400
const leastAttempts = 8
const isLocked = (error: unknown): boolean => error instanceof Error && /locked/.test(error.message)

type OwnerInput = Partial<z.input<typeof Owner>>

/** Who holds the lock as far as it has said so; undefined when nobody has. It may have ended since. */
export function readOwner(directory: DataDirectory): z.infer<typeof Owner> | undefined {
  try {
    return Owner.parse(JSON.parse(readFileSync(directory.ownerFile, 'utf8')))
  } catch {
    // Not there, or cut off by a crash of the machine.
    return undefined
  }
}

function inUse(directory: DataDirectory, cause: Error): UserError {
  const owner = readOwner(directory)
  const who = owner ? ` (process ${owner.pid}, API at ${owner.apiUrl})` : ''
  return new UserError(
    `Another "vcap up" is running on the data directory ${directory.root}${who}.\n` +
      'Stop it first, or give this one a directory and ports of its own: --data-dir DIR --port api=PORT …',
    1,
    { cause },
  )
}

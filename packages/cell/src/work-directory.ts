import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import type { Logger } from 'pino'
import type { AppUser } from './run-as.ts'
import { isReachable } from './tool-path.ts'

/** The folders of a cell. `private` ones are closed to apps; `work` and what is below can be passed through by them. */
export interface CellDirectories {
  readonly private: string
  readonly records: string
  readonly droplets: string
  readonly pipes: string
  readonly stagingFiles: string
  readonly instances: string
  readonly staging: string
  readonly buildpacks: string
  /** The work folder, if it had to be made outside the data directory; then it goes with the cell. */
  readonly outside: string | undefined
}

/**
 * Makes the cell's folders. Apps that run as another user must be able to pass through every folder above their own; where
 * they can't (a data directory in root's home), the work folder goes below the system's temporary folder. Permissions of
 * folders that aren't the cell's are never changed.
 */
export async function makeDirectories(
  dataDirectory: string,
  user: AppUser | undefined,
  logger: Logger,
): Promise<CellDirectories> {
  const data = resolve(dataDirectory)
  await makeOnTheWay(data)
  const work = await makeWorkDirectory(data, user, logger)
  const directories: CellDirectories = {
    private: join(data, 'private'),
    records: join(data, 'private', 'records'),
    droplets: join(data, 'private', 'droplets'),
    pipes: join(data, 'private', 'pipes'),
    stagingFiles: join(data, 'private', 'staging'),
    instances: join(work, 'instances'),
    staging: join(work, 'staging'),
    buildpacks: join(work, 'buildpacks'),
    outside: work.startsWith(data + sep) ? undefined : work,
  }
  for (const name of ['private', 'records', 'droplets', 'pipes', 'stagingFiles'] as const)
    await mkdir(directories[name], { recursive: true, mode: 0o700 })
  for (const name of ['instances', 'staging', 'buildpacks'] as const) await makeOwned(directories[name], 0o711)
  return directories
}

/** Makes the folder and those above it that are missing; these, whatever the cell's umask, may be passed through by anyone. */
async function makeOnTheWay(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o711)
}

async function makeWorkDirectory(data: string, user: AppUser | undefined, logger: Logger): Promise<string> {
  const inside = join(data, 'work')
  await makeOwned(inside, 0o711)
  if (await isReachable(inside, user)) return inside
  const name = createHash('sha256').update(data).digest('hex').slice(0, 16)
  const outside = join(tmpdir(), `vcap-cell-${name}`)
  await makeOwned(outside, 0o711)
  if (!(await isReachable(outside, user))) throw new Error(`Apps can't reach ${inside}, nor ${outside}`)
  logger.warn({ inside, outside }, 'apps can not reach the data directory; their folders are elsewhere')
  return outside
}

/** Makes the folder, or takes one that is ours: in a shared temporary folder somebody else may have come first. */
async function makeOwned(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode })
  const found = await lstat(path)
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid()))
    throw new Error(`${path} does not belong to the user that the cell runs as`)
  await chmod(path, mode)
}

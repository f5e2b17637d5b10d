import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { delimiter, dirname, join, sep } from 'node:path'
import type { AppUser } from './run-as.ts'

/** Where every host keeps its tools. */
const standardDirectories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
/** What the system buildpacks need of the host. */
const wantedTools = ['node', 'npm', 'python3']

/**
 * The PATH of apps and buildpacks: the host's standard folders, then either the configured ones or those where the cell's
 * own PATH has a tool that the standard folders lack. Folders that the apps' user can't reach are left out.
 */
export async function resolveToolPath(
  configured: readonly string[] | undefined,
  user: AppUser | undefined,
  ownPath: string = process.env.PATH ?? '',
): Promise<string> {
  const path = [...standardDirectories]
  const candidates = configured ?? (await foldersOfMissingTools(ownPath, user))
  for (const directory of candidates)
    if (!path.includes(directory) && (await isReachable(directory, user))) path.push(directory)
  return path.join(delimiter)
}

async function foldersOfMissingTools(ownPath: string, user: AppUser | undefined): Promise<string[]> {
  // A project's own node_modules/.bin holds much that is no business of the apps.
  const own = ownPath
    .split(delimiter)
    .filter((directory) => directory.startsWith('/') && !/node_modules/.test(directory))
  const found: string[] = []
  for (const tool of wantedTools) {
    if (await firstWith(tool, standardDirectories, user)) continue
    const directory = await firstWith(tool, own, user)
    if (directory) found.push(directory)
    else if (tool === 'node') found.push(dirname(process.execPath))
  }
  return found
}

async function firstWith(tool: string, directories: readonly string[], user: AppUser | undefined) {
  for (const directory of directories) {
    const file = join(directory, tool)
    if ((await canExecute(file)) && (await isReachable(await realpath(file), user))) return directory
  }
  return undefined
}

async function canExecute(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Whether the user may pass through every folder on the way, and through the last one itself (run it, if a file). */
export async function isReachable(path: string, user: AppUser | undefined): Promise<boolean> {
  if (!user) return canExecute(path)
  const parts = path.split(sep)
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join(sep) || sep
    try {
      const { mode, uid, gid } = await stat(part)
      const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode
      if ((bits & 1) === 0) return false
    } catch {
      return false
    }
  }
  return true
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { RunAsConfig } from './config.ts'

/** The user that apps and buildpacks run as. */
export interface AppUser {
  readonly uid: number
  readonly gid: number
}

const run = promisify(execFile)

/**
 * The unprivileged user for apps and buildpacks, or undefined when the cell isn't root and everything runs as the cell does.
 * Throws if the configured user does not exist or is root.
 */
export async function resolveAppUser(config: RunAsConfig): Promise<AppUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const user = 'user' in config ? await lookUp(config.user) : config
  if (user.uid === 0) throw new Error('runAs: apps must not run as root')
  return user
}

async function lookUp(name: string): Promise<AppUser> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, '--', name])).stdout)),
    )
    if (!Number.isInteger(uid) || !Number.isInteger(gid)) throw new Error('id answered no number')
    return { uid: Number(uid), gid: Number(gid) }
  } catch (cause) {
    throw new Error(`runAs: there is no user ${name} on this machine`, { cause })
  }
}

/** Gives a folder and all in it to the user; links themselves, never what they point to. */
export async function giveTo(user: AppUser | undefined, ...paths: string[]): Promise<void> {
  if (user) await run('chown', ['-hR', `${user.uid}:${user.gid}`, ...paths])
}

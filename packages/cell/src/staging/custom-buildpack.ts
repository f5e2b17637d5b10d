import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveLimits } from '../config.ts'
import { removeTree } from '../files/remove-tree.ts'
import { unzip } from '../files/unzip.ts'
import { byteSize } from '../logs/byte-size.ts'
import { type AppUser, giveTo } from '../run-as.ts'
import { download } from '../transfer/download.ts'
import type { ScriptRunner } from './script-runner.ts'
import { builderFailed } from './staging-failure.ts'

/** `https://…`, `git://…`, `ssh://…`, and `git@host:path` as ssh understands it. */
export function isBuildpackUrl(name: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(name) || /^[\w.-]+@[\w.-]+:/.test(name)
}

/** The URL as it may be shown: without user and password. */
export function shownUrl(name: string): string {
  return name.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1')
}

/** What a shell answers for a program that isn't there. */
const notFound = 127

interface Fetching {
  readonly url: string
  /** Does not exist yet. */
  readonly directory: string
  /** Where a zip is put meanwhile, out of reach of apps. */
  readonly archive: string
  readonly runner: ScriptRunner
  readonly limits: ArchiveLimits
  readonly user: AppUser | undefined
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/**
 * Fetches a buildpack that the app names by URL: a zip, or a git repository with an optional `#branch-or-tag`. Throws a
 * StagingFailure, TransferError or ArchiveError. Source: buildpackapplifecycle buildpackrunner/{git,zip}_buildpack.go.
 */
export async function fetchCustomBuildpack(fetching: Fetching): Promise<void> {
  const { url } = fetching
  if (URL.canParse(url)) {
    const { protocol, pathname } = new URL(url)
    // file: would read what the cell may read, and git's ext: would run what it says.
    if (!['http:', 'https:', 'git:', 'ssh:', 'git+ssh:'].includes(protocol))
      throw builderFailed(`Buildpacks can't be fetched from ${protocol} URLs`)
    if (pathname.endsWith('.zip')) return fetchZip(fetching)
  }
  return cloneRepository(fetching)
}

async function fetchZip({ url, directory, archive, limits, user, signal, log }: Fetching): Promise<void> {
  const { sizeInBytes } = await download(url, archive, { maxSizeInBytes: limits.maxSizeInMb * 1024 ** 2, signal })
  await mkdir(directory)
  await unzip(archive, directory, limits, signal)
  await giveTo(user, directory)
  log(`Downloaded buildpack \`${shownUrl(url)}\` (${byteSize(sizeInBytes)})`)
}

async function cloneRepository({ url, directory, runner, user }: Fetching): Promise<void> {
  const [repository = '', branch] = url.split('#')
  await mkdir(directory)
  await giveTo(user, directory)
  const clone = async (...depth: string[]) => {
    const where = ['--recursive', ...(branch ? ['-b', branch] : []), '--', repository, directory]
    const { exitStatus } = await runner.run('git', ['clone', ...depth, ...where], {
      cwd: directory,
      // Nobody is there to type a password.
      environment: { GIT_TERMINAL_PROMPT: '0', GIT_SSH_COMMAND: 'ssh -oBatchMode=yes' },
    })
    if (exitStatus === notFound)
      throw builderFailed('git is not installed on this cell, so the buildpack can not be cloned')
    return exitStatus
  }
  // Servers that only serve files can't give a part of the history.
  if ((await clone('--depth', '1')) === 0) return
  for (const name of await readdir(directory)) await removeTree(join(directory, name))
  if ((await clone()) === 0) return
  throw builderFailed(`Failed to clone git repository at ${shownUrl(repository)}`)
}

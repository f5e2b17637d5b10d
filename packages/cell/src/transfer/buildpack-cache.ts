import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AdminBuildpack } from '@vcap/protocol'
import type { ArchiveLimits } from '../config.ts'
import { removeTree } from '../files/remove-tree.ts'
import { unzip } from '../files/unzip.ts'
import { aborted } from './aborted.ts'
import { download } from './download.ts'

/** More buildpacks than that are kept only while they are in use. */
const maxKept = 40
const run = promisify(execFile)
let sequence = 0

export interface CachedBuildpack {
  readonly directory: string
  /** Undefined when it was here already. */
  readonly downloadedInBytes: number | undefined
}

/**
 * Admin buildpacks, unpacked, by key: the key changes with the bits. They belong to the cell; those who run them may read
 * only. Several who want one at the same time share one download.
 */
export class BuildpackCache {
  readonly #directory: string
  readonly #limits: ArchiveLimits
  readonly #underWay = new Map<string, Promise<CachedBuildpack>>()
  readonly #inUse = new Map<string, number>()
  readonly #leaving = new Map<string, Promise<void>>()

  constructor(directory: string, limits: ArchiveLimits) {
    this.#directory = directory
    this.#limits = limits
  }

  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o755 })
    for (const name of await readdir(this.#directory))
      if (name.startsWith('.')) await removeTree(join(this.#directory, name))
  }

  /** Lends the buildpack until `giveBack`. Throws TransferError or ArchiveError. */
  async borrow(
    buildpack: AdminBuildpack,
    signal: AbortSignal,
  ): Promise<CachedBuildpack & { giveBack(): Promise<void> }> {
    const name = createHash('sha256').update(buildpack.key).digest('hex').slice(0, 40)
    this.#inUse.set(name, (this.#inUse.get(name) ?? 0) + 1)
    const giveBack = async () => {
      const users = (this.#inUse.get(name) ?? 1) - 1
      if (users > 0) this.#inUse.set(name, users)
      else this.#inUse.delete(name)
      await this.#evict()
    }
    try {
      let fetching = this.#underWay.get(name)
      if (!fetching) {
        fetching = this.#find(name, buildpack).finally(() => this.#underWay.delete(name))
        // Also when everybody has left meanwhile.
        fetching.catch(() => undefined)
        this.#underWay.set(name, fetching)
      }
      return { ...(await Promise.race([fetching, aborted(signal)])), giveBack }
    } catch (error) {
      await giveBack()
      throw error
    }
  }

  async #find(name: string, { url }: AdminBuildpack): Promise<CachedBuildpack> {
    const directory = join(this.#directory, name)
    await this.#leaving.get(name)
    try {
      await utimes(directory, new Date(), new Date())
      return { directory, downloadedInBytes: undefined }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    const temporary = join(this.#directory, `.${name}-${sequence++}`)
    const content = join(temporary, 'content')
    await mkdir(content, { recursive: true, mode: 0o755 })
    try {
      const file = join(temporary, 'buildpack.zip')
      const { sizeInBytes } = await download(url, file, { maxSizeInBytes: this.#limits.maxSizeInMb * 1024 ** 2 })
      await unzip(file, content, this.#limits)
      // Whatever the cell's own umask is: its readers are other users.
      await run('chmod', ['-R', 'a+rX,go-w', content])
      await rename(content, directory)
      return { directory, downloadedInBytes: sizeInBytes }
    } finally {
      await removeTree(temporary)
    }
  }

  async #evict(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => !name.startsWith('.'))
    if (names.length <= maxKept) return
    const looked = await Promise.all(names.map((name) => this.#look(name)))
    const found = looked.filter((each) => each !== undefined).filter(({ name }) => !this.#leaving.has(name))
    let surplus = found.length - maxKept
    for (const { name } of found.sort((a, b) => a.usedAt - b.usedAt)) {
      if (surplus <= 0) return
      if (this.#inUse.has(name) || this.#leaving.has(name)) continue
      // Noted in the same turn as the look above: whoever wants it from now on waits until it is gone.
      const leaving = this.#remove(name).finally(() => this.#leaving.delete(name))
      this.#leaving.set(name, leaving)
      await leaving
      surplus--
    }
  }

  /** Takes its name first, so that half a buildpack is never found under it. */
  async #remove(name: string): Promise<void> {
    const hidden = join(this.#directory, `.${name}-${sequence++}`)
    await rename(join(this.#directory, name), hidden)
    await removeTree(hidden)
  }

  /** Undefined for a buildpack that another eviction has removed meanwhile. */
  async #look(name: string): Promise<{ name: string; usedAt: number } | undefined> {
    try {
      return { name, usedAt: (await stat(join(this.#directory, name))).mtimeMs }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}

import { link, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { sha1OfFile } from '../files/tarball.ts'
import { aborted } from './aborted.ts'
import { TransferError } from './blob-url.ts'
import { type Downloaded, download } from './download.ts'

let sequence = 0

interface Found {
  readonly file: string
  /** Undefined when it was here already. */
  readonly downloadedInBytes: number | undefined
}

/** Droplets by their SHA-1, the least recently used dropped when they outgrow `maxSizeInBytes`. */
export class DropletCache {
  readonly #directory: string
  readonly #maxSizeInBytes: number
  readonly #underWay = new Map<string, Promise<Found>>()

  constructor(directory: string, maxSizeInBytes: number) {
    this.#directory = directory
    this.#maxSizeInBytes = maxSizeInBytes
  }

  /** Makes the folder, and forgets downloads that an earlier life did not finish. */
  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    for (const name of await readdir(this.#directory))
      if (name.startsWith('.')) await rm(join(this.#directory, name), { force: true })
  }

  /**
   * Lends the droplet's file to `use`, fetched if it isn't here; several who ask at once share one download. Throws a
   * TransferError when it can't be had, or isn't what its SHA-1 says.
   */
  async lend<T>(
    sha1: string | undefined,
    address: string | undefined,
    signal: AbortSignal,
    use: (file: string, downloadedInBytes: number | undefined) => Promise<T>,
  ): Promise<T> {
    const own = join(this.#directory, `.lent-${sequence++}`)
    try {
      if (sha1 === undefined) {
        const { sizeInBytes } = await this.#fetch(address, own, signal)
        return await use(own, sizeInBytes)
      }
      let fetching = this.#underWay.get(sha1)
      if (!fetching) {
        fetching = this.#find(sha1, address).finally(() => this.#underWay.delete(sha1))
        // Also when everybody has left meanwhile.
        fetching.catch(() => undefined)
        this.#underWay.set(sha1, fetching)
      }
      // Whoever loses interest leaves; the others still wait for the same download.
      const { file, downloadedInBytes } = await Promise.race([fetching, aborted(signal)])
      // A name of its own, so that the file stays while it is read, should the cache drop it.
      await link(file, own)
      return await use(own, downloadedInBytes)
    } finally {
      await rm(own, { force: true })
    }
  }

  /** Takes over a droplet that was staged here; `file` stays where it is. */
  async add(sha1: string, file: string): Promise<void> {
    const temporary = join(this.#directory, `.${sha1}-${sequence++}`)
    await link(file, temporary)
    await rename(temporary, this.#path(sha1))
    await this.#evict(sha1)
  }

  async #find(sha1: string, address: string | undefined): Promise<Found> {
    const file = this.#path(sha1)
    if (await this.#isIntact(file, sha1)) return { file, downloadedInBytes: undefined }
    const temporary = join(this.#directory, `.${sha1}-${sequence++}`)
    const { sha1: actual, sizeInBytes } = await this.#fetch(address, temporary)
    if (actual !== sha1) {
      await rm(temporary, { force: true })
      throw new TransferError(`the droplet has the SHA-1 ${actual} in place of ${sha1}`)
    }
    await rename(temporary, file)
    await this.#evict(sha1)
    return { file, downloadedInBytes: sizeInBytes }
  }

  async #fetch(address: string | undefined, file: string, signal?: AbortSignal): Promise<Downloaded> {
    if (address === undefined) throw new TransferError('the start message names no droplet to download')
    return download(address, file, { maxSizeInBytes: this.#maxSizeInBytes, ...(signal && { signal }) })
  }

  async #isIntact(file: string, sha1: string): Promise<boolean> {
    try {
      if ((await sha1OfFile(file)) !== sha1) return false
      await utimes(file, new Date(), new Date())
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
  }

  async #evict(keep: string): Promise<void> {
    const files = await Promise.all(
      (await readdir(this.#directory))
        .filter((name) => !name.startsWith('.') && name !== `${keep}.tgz`)
        .map(async (name) => ({
          path: join(this.#directory, name),
          ...(await sizeAndTime(join(this.#directory, name))),
        })),
    )
    let total = (await sizeAndTime(this.#path(keep))).size + files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.#maxSizeInBytes) return
      await rm(path, { force: true })
      total -= size
    }
  }

  #path(sha1: string): string {
    if (!/^[0-9a-f]{40}$/.test(sha1)) throw new TransferError('the droplet has no valid SHA-1')
    return join(this.#directory, `${sha1}.tgz`)
  }
}

async function sizeAndTime(path: string): Promise<{ size: number; mtimeMs: number }> {
  const { size, mtimeMs } = await stat(path)
  return { size, mtimeMs }
}

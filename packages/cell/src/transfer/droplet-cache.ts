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
  /** Who waits for a droplet or has just got it: it stays until each has a name of its own for the file. */
  readonly #wanted = new Map<string, number>()
  readonly #leaving = new Map<string, Promise<void>>()

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
      return await use(own, await this.#nameAs(own, sha1, address, signal))
    } finally {
      await rm(own, { force: true })
    }
  }

  /** Gives the droplet another name, under which it stays while it is read, should the cache drop it. Answers what was downloaded. */
  async #nameAs(own: string, sha1: string, address: string | undefined, signal: AbortSignal) {
    this.#wanted.set(sha1, (this.#wanted.get(sha1) ?? 0) + 1)
    let found: Found
    try {
      let fetching = this.#underWay.get(sha1)
      if (!fetching) {
        fetching = this.#find(sha1, address).finally(() => this.#underWay.delete(sha1))
        // Also when everybody has left meanwhile.
        fetching.catch(() => undefined)
        this.#underWay.set(sha1, fetching)
      }
      // Whoever loses interest leaves; the others still wait for the same download.
      found = await Promise.race([fetching, aborted(signal)])
      await link(found.file, own)
    } finally {
      const others = (this.#wanted.get(sha1) ?? 1) - 1
      if (others > 0) this.#wanted.set(sha1, others)
      else this.#wanted.delete(sha1)
    }
    await this.#evict(sha1)
    return found.downloadedInBytes
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
    await this.#leaving.get(sha1)
    if (await this.#isIntact(file, sha1)) return { file, downloadedInBytes: undefined }
    const temporary = join(this.#directory, `.${sha1}-${sequence++}`)
    const { sha1: actual, sizeInBytes } = await this.#fetch(address, temporary)
    if (actual !== sha1) {
      await rm(temporary, { force: true })
      throw new TransferError(`the droplet has the SHA-1 ${actual} in place of ${sha1}`)
    }
    await rename(temporary, file)
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
    const names = (await readdir(this.#directory)).filter((name) => /^[0-9a-f]{40}\.tgz$/.test(name))
    const files = await Promise.all(names.map((name) => this.#look(name.slice(0, 40))))
    const found = files.filter((file) => file !== undefined).filter(({ sha1 }) => !this.#leaving.has(sha1))
    let total = found.reduce((sum, { size }) => sum + size, 0)
    for (const { sha1, size } of found.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.#maxSizeInBytes) return
      if (sha1 === keep || this.#wanted.has(sha1) || this.#leaving.has(sha1)) continue
      // Noted in the same turn as the look above: whoever wants it from now on waits until it is gone.
      const leaving = rm(this.#path(sha1), { force: true }).finally(() => this.#leaving.delete(sha1))
      this.#leaving.set(sha1, leaving)
      await leaving
      total -= size
    }
  }

  /** Undefined for a file that another eviction has removed meanwhile. */
  async #look(sha1: string): Promise<{ sha1: string; size: number; mtimeMs: number } | undefined> {
    try {
      const { size, mtimeMs } = await stat(this.#path(sha1))
      return { sha1, size, mtimeMs }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #path(sha1: string): string {
    if (!/^[0-9a-f]{40}$/.test(sha1)) throw new TransferError('the droplet has no valid SHA-1')
    return join(this.#directory, `${sha1}.tgz`)
  }
}

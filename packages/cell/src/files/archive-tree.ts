import { createWriteStream } from 'node:fs'
import { link, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ArchiveError } from './archive-error.ts'

export interface TreeLimits {
  readonly maxEntries: number
  readonly maxSizeInBytes: number
  /** Unpacked over packed size. */
  readonly maxRatio: number
  /** Of the archive file itself. */
  readonly packedSizeInBytes: number
  /** An absolute link is kept as it is. For droplets: whoever follows it has only the rights of the app. */
  readonly absoluteLinks: 'keep' | 'refuse'
}

/** Below this an archive is never called a bomb for its ratio: a sparse log file compresses well. */
const ratioMattersFromInBytes = 64 * 1024 ** 2
/** Files up to this size are written several at once. */
const smallFileInBytes = 256 * 1024
const writesAtOnce = 16

/**
 * Builds a folder from the entries of an archive that nobody vouches for. Names must stay inside the folder. Links are
 * made last, when nothing is written any more, so that nothing is ever written through one; and a link may lead, over all
 * the other links of the archive, only to places inside the folder.
 */
export class ArchiveTree {
  readonly #root: string
  readonly #limits: TreeLimits
  readonly #directories = new Set<string>()
  readonly #links = new Map<string, string>()
  readonly #hardLinks = new Map<string, string>()
  readonly #pending = new Set<Promise<void>>()
  #failure: unknown
  #entries = 0
  #sizeInBytes = 0

  /** `root` must exist and be empty. */
  constructor(root: string, limits: TreeLimits) {
    this.#root = root
    this.#limits = limits
  }

  async addDirectory(name: string): Promise<void> {
    this.#count()
    await this.#makeDirectory(pathWithin(name, 'entry').join('/'))
  }

  /** `sizeInBytes` is what the archive says, and only decides how the file is written; what arrives is what counts. */
  async addFile(name: string, mode: number, sizeInBytes: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    this.#count()
    const path = await this.#place(name)
    if (sizeInBytes > smallFileInBytes) {
      await pipeline(this.#measured(content), createWriteStream(path, { flags: 'wx', mode: mode & 0o777 }))
      return
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of this.#measured(content)) chunks.push(chunk)
    await this.#schedule(() => writeFile(path, Buffer.concat(chunks), { flag: 'wx', mode: mode & 0o777 }))
  }

  async addSymbolicLink(name: string, target: string): Promise<void> {
    this.#count()
    await this.#place(name)
    this.#links.set(pathWithin(name, 'link').join('/'), target)
  }

  /** `target` is the name of an earlier entry. */
  async addHardLink(name: string, target: string): Promise<void> {
    this.#count()
    await this.#place(name)
    this.#hardLinks.set(pathWithin(name, 'link').join('/'), pathWithin(target, 'link').join('/'))
  }

  /** Waits for what is being written and makes the links. */
  async finish(): Promise<void> {
    await Promise.all(this.#pending)
    if (this.#failure) throw this.#failure
    for (const [name, target] of this.#links) this.#requireInside(name, target)
    for (const [name, target] of this.#hardLinks) {
      try {
        await link(join(this.#root, target), join(this.#root, name))
      } catch (cause) {
        throw new ArchiveError(`archive links ${name} to ${target}, which it does not contain`, { cause })
      }
    }
    for (const [name, target] of this.#links) await symlink(target, join(this.#root, name))
  }

  /** Makes the entry's folder and clears its place: the last entry of a name counts. */
  async #place(name: string): Promise<string> {
    const parts = pathWithin(name, 'entry')
    const relative = parts.join('/')
    if (relative === '') throw new ArchiveError(`archive entry ${JSON.stringify(name)} is not a file name`)
    if (this.#directories.has(relative)) throw bothKinds(relative)
    await this.#makeDirectory(parts.slice(0, -1).join('/'))
    this.#links.delete(relative)
    this.#hardLinks.delete(relative)
    const path = join(this.#root, relative)
    if (this.#seen.has(relative)) {
      await Promise.all(this.#pending)
      await rm(path, { force: true })
    }
    this.#seen.add(relative)
    return path
  }
  readonly #seen = new Set<string>()

  async #makeDirectory(relative: string): Promise<void> {
    if (relative === '' || this.#directories.has(relative)) return
    if (this.#seen.has(relative)) throw bothKinds(relative)
    await this.#makeDirectory(relative.includes('/') ? dirname(relative) : '')
    await mkdir(join(this.#root, relative), { recursive: true, mode: 0o755 })
    this.#directories.add(relative)
  }

  async #schedule(write: () => Promise<void>): Promise<void> {
    if (this.#failure) throw this.#failure
    const pending = write().catch((error: unknown) => {
      this.#failure ??= error
    })
    const tracked = pending.finally(() => this.#pending.delete(tracked))
    this.#pending.add(tracked)
    if (this.#pending.size >= writesAtOnce) await Promise.race(this.#pending)
  }

  #count(): void {
    this.#entries++
    if (this.#entries > this.#limits.maxEntries)
      throw new ArchiveError(`archive has more than ${this.#limits.maxEntries} entries`)
  }

  async *#measured(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { maxSizeInBytes, maxRatio, packedSizeInBytes } = this.#limits
    for await (const chunk of content) {
      this.#sizeInBytes += chunk.length
      if (this.#sizeInBytes > maxSizeInBytes)
        throw new ArchiveError(`archive unpacks to more than ${Math.floor(maxSizeInBytes / 1024 ** 2)} MB`)
      if (this.#sizeInBytes > ratioMattersFromInBytes && this.#sizeInBytes > packedSizeInBytes * maxRatio)
        throw new ArchiveError(`archive unpacks to more than ${maxRatio} times its size`)
      yield chunk
    }
  }

  /** Walks the link as the kernel would, over the archive's other links. */
  #requireInside(name: string, target: string): void {
    if (target.startsWith('/')) {
      if (this.#limits.absoluteLinks === 'keep') return
      throw new ArchiveError(`archive link ${name} leads to the absolute path ${target}`)
    }
    const outside = () => new ArchiveError(`archive link ${name} leads out of its folder, to ${target}`)
    const at = name.split('/').slice(0, -1)
    const todo = target.split('/')
    for (let steps = 0; todo.length > 0; steps++) {
      if (steps > 4_096) throw new ArchiveError(`archive link ${name} leads in a circle`)
      const part = todo.shift()
      if (!part || part === '.') continue
      if (part === '..') {
        if (at.pop() === undefined) throw outside()
        continue
      }
      at.push(part)
      const next = this.#links.get(at.join('/'))
      if (next === undefined) continue
      if (next.startsWith('/')) {
        if (this.#limits.absoluteLinks === 'keep') return
        throw outside()
      }
      at.pop()
      todo.unshift(...next.split('/'))
    }
  }
}

const bothKinds = (name: string) => new ArchiveError(`archive has ${name} both as a file and as a folder`)

/** The parts of a name, or an ArchiveError if it leaves the folder. */
function pathWithin(name: string, what: string): string[] {
  const shown = JSON.stringify(name.slice(0, 200))
  if (name.includes('\0')) throw new ArchiveError(`archive ${what} ${shown} is not a valid name`)
  if (name.startsWith('/') || /^[a-z]:[\\/]/i.test(name))
    throw new ArchiveError(`archive ${what} ${shown} has an absolute path`)
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || name.split('\\').includes('..'))
    throw new ArchiveError(`archive ${what} ${shown} leaves its folder`)
  return parts
}

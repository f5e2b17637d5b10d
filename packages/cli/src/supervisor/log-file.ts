import { copyFile, type FileHandle, open, stat } from 'node:fs/promises'

const rotateAtInBytes = 20 * 1024 * 1024
const longestReadInBytes = 1024 * 1024

/**
 * The log of one component. The component's process writes to the file itself, so that it never waits for us or our terminal; we
 * read what it wrote, and move it to `<file>.1` when it gets long.
 */
export class LogFile {
  readonly path: string
  readonly #file: FileHandle
  #position: number
  #rest = Buffer.alloc(0)

  private constructor(path: string, file: FileHandle, position: number) {
    this.path = path
    this.#file = file
    this.#position = position
  }

  static async open(path: string): Promise<LogFile> {
    if ((await sizeOf(path)) >= rotateAtInBytes) await truncateToCopy(path)
    // Appending writers go on at the new end after a truncation.
    const file = await open(path, 'a+', 0o600)
    return new LogFile(path, file, (await file.stat()).size)
  }

  /** For the standard output and error of the component's process. */
  get descriptor(): number {
    return this.#file.fd
  }

  /** The whole lines written since the last call; at most 1 MiB at once. */
  async newLines(): Promise<string[]> {
    const { size } = await this.#file.stat()
    if (size < this.#position) this.#position = 0
    if (size === this.#position) {
      if (size >= rotateAtInBytes) await this.#rotate()
      return []
    }
    const buffer = Buffer.alloc(Math.min(size - this.#position, longestReadInBytes))
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#position)
    this.#position += bytesRead
    // Split as bytes: a read may end in the middle of a character.
    const bytes = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)])
    const end = bytes.lastIndexOf(10) + 1
    this.#rest = bytes.subarray(end)
    return bytes.toString('utf8', 0, end).split('\n').filter(Boolean)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #rotate(): Promise<void> {
    await truncateToCopy(this.path, this.#file)
    this.#position = 0
  }
}

async function truncateToCopy(path: string, file?: FileHandle): Promise<void> {
  await copyFile(path, `${path}.1`)
  if (file) {
    await file.truncate(0)
    return
  }
  const opened = await open(path, 'r+')
  await opened.truncate(0)
  await opened.close()
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw error
  }
}

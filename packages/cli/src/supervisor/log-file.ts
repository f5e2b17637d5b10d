import { copyFile, type FileHandle, open } from 'node:fs/promises'

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
  /** Later than usual after a move that failed, so that not every look copies what there is no room for. */
  #rotateAtInBytes = rotateAtInBytes
  #rest = Buffer.alloc(0)

  private constructor(path: string, file: FileHandle, position: number) {
    this.path = path
    this.#file = file
    this.#position = position
  }

  static async open(path: string): Promise<LogFile> {
    // Appending writers go on at the new end after a truncation.
    const file = await open(path, 'a+', 0o600)
    return new LogFile(path, file, (await file.stat()).size)
  }

  /** For the standard output and error of the component's process. */
  get descriptor(): number {
    return this.#file.fd
  }

  /** The whole lines written since the last call; at most 1 MiB at once. Throws when the file can't be read, or is long and can't be moved. */
  async newLines(): Promise<string[]> {
    const { size } = await this.#file.stat()
    if (size < this.#position) this.#position = 0
    if (size === this.#position) {
      if (size >= this.#rotateAtInBytes) await this.#rotate(size)
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

  async #rotate(sizeInBytes: number): Promise<void> {
    this.#rotateAtInBytes = sizeInBytes + rotateAtInBytes
    await copyFile(this.path, `${this.path}.1`)
    await this.#file.truncate(0)
    this.#rotateAtInBytes = rotateAtInBytes
    this.#position = 0
  }
}

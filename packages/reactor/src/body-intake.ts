import { randomUUID } from 'node:crypto'
import { createWriteStream, type WriteStream } from 'node:fs'
import { readdir, statfs, unlink } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { freeBuffer } from './free-buffer.ts'
import type { FileBody, RequestBody } from './messages.ts'

export interface BodyLimits {
  readonly bodyLimitInBytes: number
  readonly bodyInMemoryLimitInBytes: number
  readonly temporaryDirectory: string
  readonly temporarySpaceReserveInBytes: number
  readonly bodyIdleTimeoutInSeconds: number
  readonly bodyTimeoutInSeconds: number
}

/** Why a body did not come in whole. */
export type BodyFault = 'body-too-large' | 'insufficient-storage' | 'request-timeout' | 'client-gone'

export class BodyRefused extends Error {
  readonly fault: BodyFault
  constructor(fault: BodyFault, cause?: unknown) {
    super(`the request body was refused: ${fault}`, cause === undefined ? undefined : { cause })
    this.name = 'BodyRefused'
    this.fault = fault
  }
}

/** Of a request whose length is given; undefined for a chunked body. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || (declaredLength(request) ?? 0) > 0
}

/**
 * Receives a body whole: a short one into memory, a longer or multipart one into a temporary file that the caller deletes.
 * Throws BodyRefused, and has then deleted what it wrote.
 */
export async function receiveBody(request: IncomingMessage, limits: BodyLimits): Promise<RequestBody> {
  const length = declaredLength(request)
  if (length !== undefined && length > limits.bodyLimitInBytes) throw new BodyRefused('body-too-large')
  const isMultipart = request.headers['content-type']?.startsWith('multipart/') ?? false
  const toFile = isMultipart || (length ?? 0) > limits.bodyInMemoryLimitInBytes
  if (toFile && length !== undefined && (await freeBytes(limits.temporaryDirectory)) < length + reserve(limits))
    throw new BodyRefused('insufficient-storage')
  return new BodyIntake(request, limits, toFile).received
}

function reserve(limits: BodyLimits): number {
  return limits.temporarySpaceReserveInBytes
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

/** How many bytes of unknown total go into a file before the free space is looked at again. */
const spaceCheckEveryInBytes = 64 * 1024 * 1024

class BodyIntake {
  readonly received: Promise<RequestBody>
  readonly #request: IncomingMessage
  readonly #limits: BodyLimits
  readonly #outcome = Promise.withResolvers<RequestBody>()
  readonly #idleTimer: NodeJS.Timeout
  readonly #totalTimer: NodeJS.Timeout
  #chunks: Buffer[] = []
  #sizeInBytes = 0
  #checkedAtInBytes = 0
  #file: { readonly path: string; readonly stream: WriteStream } | undefined

  constructor(request: IncomingMessage, limits: BodyLimits, toFile: boolean) {
    this.#request = request
    this.#limits = limits
    this.received = this.#outcome.promise.finally(() => this.#detach())
    const tooSlow = (): void => this.#refuse('request-timeout')
    this.#idleTimer = setTimeout(tooSlow, limits.bodyIdleTimeoutInSeconds * 1000)
    this.#totalTimer = setTimeout(tooSlow, limits.bodyTimeoutInSeconds * 1000)
    if (toFile) this.#openFile()
    request.on('data', this.#onData)
    request.on('end', this.#onEnd)
    request.on('close', this.#onClose)
    request.on('error', this.#onClose)
    if (request.destroyed) this.#onClose()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#idleTimer.refresh()
    this.#sizeInBytes += chunk.length
    if (this.#sizeInBytes > this.#limits.bodyLimitInBytes) {
      this.#refuse('body-too-large')
      return
    }
    if (!this.#file) {
      this.#chunks.push(chunk)
      if (this.#sizeInBytes > this.#limits.bodyInMemoryLimitInBytes) this.#openFile()
      return
    }
    this.#write(this.#file.stream, chunk)
    if (this.#sizeInBytes - this.#checkedAtInBytes >= spaceCheckEveryInBytes) this.#checkSpace()
  }

  readonly #onEnd = (): void => {
    if (!this.#file) {
      this.#outcome.resolve(this.#inMemory())
      return
    }
    const { path, stream } = this.#file
    stream.end(() => this.#outcome.resolve({ file: path, sizeInBytes: this.#sizeInBytes }))
  }

  readonly #onClose = (): void => {
    if (!this.#request.readableEnded) this.#refuse('client-gone')
  }

  /** Alone in its buffer, so that the thread does not get a whole pool with it. */
  #inMemory(): Uint8Array | null {
    if (this.#sizeInBytes === 0) return null
    const bytes = new Uint8Array(this.#sizeInBytes)
    let at = 0
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    return bytes
  }

  #openFile(): void {
    const path = join(this.#limits.temporaryDirectory, `${bodyPrefix}${process.pid}-${randomUUID()}`)
    const stream = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: 256 * 1024 })
    stream.on('error', (error) => this.#refuse('insufficient-storage', error))
    stream.on('drain', () => this.#request.resume())
    this.#file = { path, stream }
    for (const chunk of this.#chunks) this.#write(stream, chunk)
    this.#chunks = []
  }

  #write(stream: WriteStream, chunk: Buffer): void {
    const written = (error?: Error | null): void => {
      if (!error) freeBuffer(chunk)
    }
    if (!stream.write(chunk, written)) this.#request.pause()
  }

  #checkSpace(): void {
    this.#checkedAtInBytes = this.#sizeInBytes
    freeBytes(this.#limits.temporaryDirectory).then(
      (free) => {
        if (free < reserve(this.#limits)) this.#refuse('insufficient-storage')
      },
      (error: unknown) => this.#refuse('insufficient-storage', error),
    )
  }

  #refuse(fault: BodyFault, cause?: unknown): void {
    const refused = new BodyRefused(fault, cause)
    if (!this.#file) {
      this.#outcome.reject(refused)
      return
    }
    const { path, stream } = this.#file
    stream.destroy()
    // Not before the file is closed: an open that is still under way would create it again.
    const remove = (): void => {
      void deleteFile(path).then(() => this.#outcome.reject(refused))
    }
    if (stream.closed) remove()
    else stream.once('close', remove)
  }

  #detach(): void {
    clearTimeout(this.#idleTimer)
    clearTimeout(this.#totalTimer)
    this.#request.off('data', this.#onData)
    this.#request.off('end', this.#onEnd)
    this.#request.off('close', this.#onClose)
    // An 'error' listener stays: without one a late reset of the connection would be thrown.
  }
}

const bodyPrefix = 'reactor-body-'
const answerPrefix = 'reactor-answer-'

/** Deletes a file that may have gone already. */
export async function deleteFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

export async function deleteBody(body: RequestBody): Promise<void> {
  if (isFileBody(body)) await deleteFile(body.file)
}

export function isFileBody(body: RequestBody): body is FileBody {
  return body !== null && 'file' in body
}

/** Deletes the temporary files of processes that no longer exist: a process that was killed could not delete its own. */
export async function deleteLeftOvers(temporaryDirectory: string): Promise<number> {
  let deleted = 0
  for (const name of await readdir(temporaryDirectory)) {
    const prefix = [bodyPrefix, answerPrefix].find((each) => name.startsWith(each))
    if (!prefix) continue
    const pid = Number.parseInt(name.slice(prefix.length), 10)
    if (!Number.isSafeInteger(pid) || isRunning(pid)) continue
    await deleteFile(join(temporaryDirectory, name))
    deleted++
  }
  return deleted
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import busboy from 'busboy'
import { apiError } from '../errors/api-error.ts'
import type { RequestContext } from '../http/environment.ts'
import { saveTo } from './save-stream.ts'

export interface UploadedFile {
  /** Where it lies; gone when `withMultipart` returns unless it was moved. */
  readonly path: string
  /** As the client named it. */
  readonly filename: string
}

export interface MultipartForm {
  readonly fields: ReadonlyMap<string, string>
  readonly files: ReadonlyMap<string, UploadedFile>
  /** Room for what is made of the files; gone when `withMultipart` returns. */
  readonly directory: string
}

/** `resources` lists every file of an app that matched; 5,000 entries stay well below this. */
const fieldLimitInBytes = 4 * 1024 * 1024

/**
 * Reads a multipart body, files going to disk, and calls `use` with it; what `use` does not move away is removed afterwards.
 * Throws 400/10004 for a body that is no multipart.
 */
export async function withMultipart<T>(c: RequestContext, use: (form: MultipartForm) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(c.var.settings.dataDirectory, 'uploads', 'form-'))
  try {
    return await use(await readForm(c, directory))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function readForm(c: RequestContext, directory: string): Promise<MultipartForm> {
  const fields = new Map<string, string>()
  const files = new Map<string, UploadedFile>()
  const writes: Array<Promise<void>> = []
  try {
    const parser = busboy({
      headers: { 'content-type': c.req.header('content-type') ?? '' },
      limits: { fieldSize: fieldLimitInBytes, parts: 20 },
    })
    parser.on('field', (name, value) => fields.set(name, value))
    parser.on('file', (name, stream, { filename }) => {
      const path = join(directory, `part-${writes.length}`)
      files.set(name, { path, filename: filename ?? '' })
      const write = pipeline(stream, saveTo(path))
      // A body that breaks off fails both; the parser's failure is the one that is told.
      write.catch(() => undefined)
      writes.push(write)
    })
    await pipeline(source(c), parser)
    await Promise.all(writes)
  } catch (cause) {
    throw Object.assign(apiError('InvalidRequest'), { cause })
  }
  return { fields, files, directory }
}

function source(c: RequestContext): Readable {
  const body = c.env.request?.body ?? null
  if (body === null) return Readable.from([])
  return body instanceof Uint8Array ? Readable.from([body]) : createReadStream(body.file)
}

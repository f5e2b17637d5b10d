import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { flatten, isLight, NativeResponse, type ResponseParts } from './light-response.ts'
import { type AnswerMessage, packHeaders, type ThreadSetup } from './messages.ts'

/** Buffers that were made here and nobody else holds: they are moved to the reactor, not copied. */
const ownBodies = new WeakSet<Uint8Array>()

/** What to transfer with an answer. A body that the application gave is never moved: it may keep it for the next answer. */
export function movable(answer: AnswerMessage): ArrayBuffer[] {
  const body = answer[4]
  if (!(body instanceof Uint8Array) || !ownBodies.has(body)) return []
  const { buffer } = body
  return buffer instanceof ArrayBuffer && buffer.byteLength === body.length ? [buffer] : []
}

/** A longer text is encoded here, so that the reactor need not. For a short one the copy is cheaper than the move. */
const encodeTextBeyondInBytes = 16_384

function encoded(text: string): string | Uint8Array {
  if (text.length <= encodeTextBeyondInBytes) return text
  const bytes = new TextEncoder().encode(text)
  ownBodies.add(bytes)
  return bytes
}

/** Turns an application's Response into the one message that hands it to the reactor, whole or as a file. */
export function answerMessage(
  taskId: number,
  response: Response,
  setup: ThreadSetup,
): AnswerMessage | Promise<AnswerMessage> {
  const parts = isLight(response) ? response.parts() : undefined
  if (parts) {
    const { body } = parts
    if (typeof body === 'string') return message(taskId, parts, encoded(body))
    if (body === null || body instanceof Uint8Array) return message(taskId, parts, body)
    if (body instanceof ArrayBuffer) return message(taskId, parts, new Uint8Array(body))
    if (body instanceof ReadableStream) return fromStream(taskId, parts, body, setup)
    // Blob, FormData, URLSearchParams: undici knows their content types.
    const native = new NativeResponse(body as ConstructorParameters<typeof Response>[0], {
      status: parts.status,
      headers: response.headers,
    })
    return fromStream(taskId, { ...parts, headers: flatten(native.headers) }, native.body, setup)
  }
  return fromStream(
    taskId,
    { status: response.status, headers: flatten(response.headers), body: null },
    response.body,
    setup,
  )
}

/**
 * Headers for the reactor alone, removed from the answer: `x-reactor-send-file` (absolute path of the body), `x-reactor-delete-file: 1`
 * (delete it afterwards), `x-reactor-route` (the route's pattern, for metrics).
 */
function message(taskId: number, parts: ResponseParts, body: string | Uint8Array | null): AnswerMessage {
  const headers: string[] = []
  let route = ''
  let file = ''
  let deleteFile = false
  for (let i = 0; i + 1 < parts.headers.length; i += 2) {
    const name = parts.headers[i] ?? ''
    const value = parts.headers[i + 1] ?? ''
    const lower = name.toLowerCase()
    if (lower === 'x-reactor-send-file') file = value
    else if (lower === 'x-reactor-delete-file') deleteFile = value === '1'
    else if (lower === 'x-reactor-route') route = value
    else if (lower === 'content-length' && body !== null) continue
    else if (lower !== 'transfer-encoding' && lower !== 'connection') headers.push(name, value)
  }
  if (body !== null)
    headers.push('content-length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length))
  return ['answer', taskId, parts.status, packHeaders(headers), body, route, file, deleteFile]
}

/** Reads a stream to its end in this thread, so that the reactor never waits for the application's code. A long one goes through a file. */
async function fromStream(
  taskId: number,
  parts: ResponseParts,
  stream: ReadableStream | null,
  setup: ThreadSetup,
): Promise<AnswerMessage> {
  if (stream === null) return message(taskId, parts, null)
  const chunks: Uint8Array[] = []
  let sizeInBytes = 0
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return message(taskId, parts, joined(chunks))
    chunks.push(typeof value === 'string' ? Buffer.from(value) : value)
    sizeInBytes += value.length
    if (sizeInBytes > setup.answerInMemoryLimitInBytes) break
  }
  const file = join(setup.temporaryDirectory, `reactor-answer-${process.pid}-${randomUUID()}`)
  try {
    await pipeline(Readable.from(rest(chunks, reader)), createWriteStream(file, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    await unlink(file).catch(() => undefined)
    throw error
  }
  const headers = [...parts.headers, 'x-reactor-send-file', file, 'x-reactor-delete-file', '1']
  return message(taskId, { ...parts, headers }, null)
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(chunks)
  ownBodies.add(bytes)
  return bytes
}

async function* rest(
  chunks: readonly Uint8Array[],
  reader: ReadableStreamDefaultReader,
): AsyncGenerator<Uint8Array, void> {
  yield* chunks
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield typeof value === 'string' ? Buffer.from(value) : value
  }
}

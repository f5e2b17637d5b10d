import { type FileHandle, open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'

interface FileAnswer {
  readonly status: number
  /** Name and value by turns. */
  readonly headers: readonly string[]
  readonly path: string
}
interface ByteRange {
  readonly start: number
  /** Inclusive. */
  readonly end: number
}

/**
 * Streams a file as the body, at the pace of the client and without holding it in memory. Knows HEAD and a single byte range (RFC 9110
 * section 14; of several ranges it sends the whole file, as that section allows). Rejects before anything was sent if the file can't be opened;
 * a client that goes away is no error.
 */
export async function sendFile(response: ServerResponse, answer: FileAnswer): Promise<void> {
  const file = await open(answer.path)
  try {
    const { size } = await file.stat()
    const { req } = response
    const range =
      answer.status === 200 && isSafe(req.method) ? wantedRange(answer.headers, req.headers, size) : undefined
    const headers = answer.headers.filter((_, i) => answer.headers[i - (i % 2)]?.toLowerCase() !== 'content-length')
    headers.push('accept-ranges', 'bytes')
    if (range === 'unsatisfiable') {
      headers.push('content-range', `bytes */${size}`, 'content-length', '0')
      response.writeHead(416, headers).end()
      return
    }
    const { start, end } = range ?? { start: 0, end: size - 1 }
    headers.push('content-length', String(end - start + 1))
    if (range) headers.push('content-range', `bytes ${start}-${end}/${size}`)
    response.writeHead(range ? 206 : answer.status, headers)
    if (req.method === 'HEAD' || size === 0) {
      response.end()
      return
    }
    if (await copyRange(file, response, start, end)) response.end()
  } finally {
    await file.close()
  }
}

const chunkInBytes = 256 * 1024

/**
 * Two buffers by turns, one being read into while the other is sent: a stream makes new ones, and V8 lets 64 MB of them gather before it looks.
 * False if the client has gone. Throws if the file is shorter than it was.
 */
async function copyRange(file: FileHandle, response: ServerResponse, start: number, end: number): Promise<boolean> {
  const buffers = [Buffer.allocUnsafeSlow(chunkInBytes), Buffer.allocUnsafeSlow(chunkInBytes)]
  let sent: Promise<boolean> = Promise.resolve(true)
  let turn = 0
  for (let position = start; position <= end; turn++) {
    const buffer = buffers[turn % 2]
    if (!buffer) break
    const { bytesRead } = await file.read(buffer, 0, Math.min(chunkInBytes, end - position + 1), position)
    if (bytesRead === 0) throw new Error('the file became shorter while it was sent')
    position += bytesRead
    if (!(await sent)) return false
    sent = written(response, buffer.subarray(0, bytesRead))
  }
  return sent
}

/** True when the kernel has taken the bytes, false when the connection is gone. */
function written(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed || response.closed) return resolve(false)
    const onClose = (): void => resolve(false)
    response.once('close', onClose)
    response.write(bytes, (error) => {
      response.off('close', onClose)
      resolve(!error)
    })
  })
}

function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD'
}

function wantedRange(
  answered: readonly string[],
  asked: { readonly range?: string | undefined; readonly 'if-range'?: string | undefined },
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(asked.range ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const condition = asked['if-range']
  if (
    condition !== undefined &&
    condition !== header(answered, 'etag') &&
    condition !== header(answered, 'last-modified')
  )
    return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

function header(flat: readonly string[], name: string): string | undefined {
  for (let i = 0; i < flat.length; i += 2) if (flat[i]?.toLowerCase() === name) return flat[i + 1]
  return undefined
}

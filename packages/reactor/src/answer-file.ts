import { open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'

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
    const stream = file.createReadStream({ start, end, autoClose: false, highWaterMark: 256 * 1024 })
    await pipeline(stream, response).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE' && error.code !== 'ECONNRESET' && error.code !== 'EPIPE')
        throw error
    })
  } finally {
    await file.close()
  }
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

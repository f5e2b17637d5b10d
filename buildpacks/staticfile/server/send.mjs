import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { isFresh, requestedRange, takesGzip } from './conditions.mjs'
import { mediaTypeOf } from './media-types.mjs'

/** Below this a compressed answer is hardly smaller. */
const smallestWorthCompressingInBytes = 1024

export function sendText(request, response, status, html) {
  const body = Buffer.from(html)
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** Sends a file, or the part of it that is asked for, or nothing but 304. With an error's status it is always sent whole. */
export async function sendFile(request, response, { path }, status) {
  const file = await open(path)
  try {
    const { size, mtimeMs } = await file.stat()
    const { mediaType, isText } = mediaTypeOf(path)
    const etag = `"${Math.floor(mtimeMs).toString(16)}-${size.toString(16)}"`
    const range = status === 200 ? requestedRange(request.headers, size, etag, mtimeMs) : undefined
    const isWorthCompressing = isText && size >= smallestWorthCompressingInBytes
    const compresses = isWorthCompressing && range === undefined && takesGzip(request.headers)

    if (isWorthCompressing) response.setHeader('Vary', 'Accept-Encoding')
    if (status === 200) {
      response.setHeader('Accept-Ranges', 'bytes')
      response.setHeader('Last-Modified', new Date(mtimeMs).toUTCString())
      response.setHeader('ETag', compresses ? `W/${etag}` : etag)
      if (isFresh(request.headers, etag, mtimeMs)) return void response.writeHead(304).end()
      if (range === 'unsatisfiable') {
        return void response.writeHead(416, { 'Content-Range': `bytes */${size}`, 'Content-Length': 0 }).end()
      }
    }
    response.setHeader('Content-Type', mediaType)
    if (compresses) response.setHeader('Content-Encoding', 'gzip')
    else response.setHeader('Content-Length', range ? range.end - range.start + 1 : size)
    if (range) response.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${size}`)
    response.writeHead(range ? 206 : status)
    if (request.method === 'HEAD' || size === 0) return void response.end()

    // As many bytes as were promised, also when the file grows meanwhile.
    const bytes = file.createReadStream({ ...(range ?? { start: 0, end: size - 1 }), autoClose: false })
    await (compresses ? pipeline(bytes, createGzip(), response) : pipeline(bytes, response))
  } finally {
    await file.close()
  }
}

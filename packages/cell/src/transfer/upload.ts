import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { type BlobUrl, parseBlobUrl, shown, TransferError } from './blob-url.ts'
import { inactivityTimeoutInMs } from './download.ts'
import { FinalError, retrying } from './retry.ts'

/** Storing a large droplet may take the other side a while after the last byte. */
const answerTimeoutInMs = 300_000

/**
 * Posts a file as the multipart field `upload[droplet]`, streamed from disk. Any 2xx is success. Answers the
 * file's size. Throws a TransferError.
 * Source: dea_ng lib/dea/utils/sync_upload.rb; cloud_controller_ng app/controllers/runtime/stagings_controller.rb.
 */
export async function uploadFile(address: string, file: string, signal?: AbortSignal): Promise<number> {
  const blob = parseBlobUrl(address)
  try {
    return await retrying(() => postOnce(blob, file, signal), signal)
  } catch (cause) {
    signal?.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TransferError(`could not upload to ${shown(blob)}: ${reason}`, { cause })
  }
}

async function postOnce({ url, headers }: BlobUrl, file: string, signal: AbortSignal | undefined): Promise<number> {
  const { request } = await import('undici')
  const sizeInBytes = (await stat(file)).size
  const boundary = `----vcap${randomBytes(16).toString('hex')}`
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="upload[droplet]"; filename="droplet.tgz"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  const multipart = async function* () {
    yield head
    yield* createReadStream(file, { highWaterMark: 256 * 1024 })
    yield tail
  }
  const { statusCode, body } = await request(url, {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + sizeInBytes + tail.length),
    },
    body: Readable.from(multipart(), { objectMode: false }),
    headersTimeout: answerTimeoutInMs,
    bodyTimeout: inactivityTimeoutInMs,
    ...(signal && { signal }),
  })
  await body.dump()
  if (statusCode >= 200 && statusCode < 300) return sizeInBytes
  const message = `the server answered ${statusCode}`
  throw statusCode >= 500 || statusCode === 429 ? new Error(message) : new FinalError(message)
}

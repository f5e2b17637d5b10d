import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type BlobUrl, parseBlobUrl, shown, TransferError } from './blob-url.ts'
import { FinalError, retrying } from './retry.ts'

export interface Downloaded {
  readonly sizeInBytes: number
  /** Hex. */
  readonly sha1: string
}

/** Without a byte for this long a transfer counts as broken (dea_ng lib/dea/utils/download.rb). */
export const inactivityTimeoutInMs = 30_000
const maxRedirects = 5

/**
 * Fetches a blob into a file. Follows redirects, and shows its credentials only to the origin that they were meant for.
 * Throws a TransferError; what had arrived by then is removed.
 */
export async function download(
  address: string,
  file: string,
  options: { maxSizeInBytes: number; signal?: AbortSignal },
): Promise<Downloaded> {
  const blob = parseBlobUrl(address)
  try {
    return await retrying(() => fetchOnce(blob, file, options), options.signal)
  } catch (cause) {
    await rm(file, { force: true })
    options.signal?.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TransferError(`could not download ${shown(blob)}: ${reason}`, { cause })
  }
}

async function fetchOnce(
  blob: BlobUrl,
  file: string,
  { maxSizeInBytes, signal }: { maxSizeInBytes: number; signal?: AbortSignal },
): Promise<Downloaded> {
  const { request } = await import('undici')
  let { url, headers } = blob
  for (let redirects = 0; ; redirects++) {
    const {
      statusCode,
      headers: answered,
      body,
    } = await request(url, {
      headers,
      headersTimeout: inactivityTimeoutInMs,
      bodyTimeout: inactivityTimeoutInMs,
      ...(signal && { signal }),
    })
    const { location } = answered
    if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
      await body.dump()
      if (redirects >= maxRedirects) throw new FinalError('redirected too often')
      const next = parseBlobUrl(new URL(location, url).href)
      headers = next.url.origin === url.origin ? { ...headers, ...next.headers } : next.headers
      url = next.url
      continue
    }
    if (statusCode !== 200) {
      await body.dump()
      const message = `the server answered ${statusCode}`
      throw statusCode >= 500 || statusCode === 429 ? new Error(message) : new FinalError(message)
    }
    const hash = createHash('sha1')
    let sizeInBytes = 0
    const measured = async function* (content: AsyncIterable<Uint8Array>) {
      for await (const chunk of content) {
        sizeInBytes += chunk.length
        if (sizeInBytes > maxSizeInBytes) throw new FinalError(`it is larger than ${maxSizeInBytes} bytes`)
        hash.update(chunk)
        yield chunk
      }
    }
    await pipeline(body, measured, createWriteStream(file), signal ? { signal } : {})
    return { sizeInBytes, sha1: hash.digest('hex') }
  }
}

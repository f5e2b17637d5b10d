/** A URL of the Cloud Controller's blobs, taken apart so that its credentials can't get into a log. */
export interface BlobUrl {
  /** Without user and password. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

export function parseBlobUrl(text: string): BlobUrl {
  const url = new URL(text)
  const { username, password } = url
  url.username = ''
  url.password = ''
  if (!username && !password) return { url, headers: {} }
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { url, headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } }
}

/** What may be shown: neither credentials nor the query, where signed URLs carry theirs. */
export function shown({ url }: BlobUrl): string {
  return `${url.origin}${url.pathname}`
}

/** A transfer that failed for good. The message shows the address without its credentials. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
}

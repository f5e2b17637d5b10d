import { createReadStream, openAsBlob, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { RequestBody, RequestMessage } from './messages.ts'
import { RequestHeaders } from './request-headers.ts'

/** The request as the reactor received it; what a thread gets beside the stand-in `Request`. */
export interface ThreadRequest {
  /** The request id, for logs and for the answer. */
  readonly id: string
  readonly method: string
  /** Path and query as sent. */
  readonly path: string
  readonly headers: RequestHeaders
  readonly remoteAddress: string
  /** When its head had arrived: milliseconds since the epoch. */
  readonly receivedAt: number
  /**
   * Complete before the thread sees the request. A large or multipart one is a file, which is deleted after the request; to keep it,
   * rename it elsewhere.
   */
  readonly body: RequestBody
}

export function threadRequestOf(message: RequestMessage): ThreadRequest {
  const [, , id, method, path, headers, remoteAddress, receivedAt, body] = message
  return { id, method, path, headers: new RequestHeaders(headers), remoteAddress, receivedAt, body }
}

const empty = new Uint8Array(0)

/**
 * Stands in for `Request` in a request thread: building undici's for each request halves the rate of small requests. It has what
 * server code uses. The body is complete already, so it may be read more than once and `bodyUsed` stays false.
 */
export class LightRequest {
  readonly method: string
  readonly #request: ThreadRequest
  #url: string | undefined
  #signal: AbortSignal | undefined

  constructor(request: ThreadRequest) {
    this.method = request.method
    this.#request = request
  }

  get url(): string {
    this.#url ??= absoluteUrl(this.#request)
    return this.#url
  }
  get headers(): RequestHeaders {
    return this.#request.headers
  }
  get bodyUsed(): boolean {
    return false
  }
  /** Never aborted: a request runs to its end or its deadline also when the client is gone. */
  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal
    return this.#signal
  }
  get body(): ReadableStream<Uint8Array> | null {
    const { body } = this.#request
    if (body === null) return null
    const source = body instanceof Uint8Array ? Readable.from([body]) : createReadStream(body.file)
    return Readable.toWeb(source) as ReadableStream<Uint8Array>
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes())
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }
  async bytes(): Promise<Uint8Array> {
    return this.#bytes()
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(this.#bytes()).buffer
  }
  async blob(): Promise<Blob> {
    const { body, headers } = this.#request
    const type = headers.get('content-type') ?? ''
    if (body !== null && !(body instanceof Uint8Array)) return openAsBlob(body.file, { type })
    return new Blob([new Uint8Array(this.#bytes())], { type })
  }
  async formData(): Promise<FormData> {
    return new Response(await this.blob()).formData()
  }
  clone(): LightRequest {
    return new LightRequest(this.#request)
  }

  #bytes(): Uint8Array {
    const { body } = this.#request
    if (body === null) return empty
    // A thread has one request and may block.
    return body instanceof Uint8Array ? body : readFileSync(body.file)
  }
}
Object.setPrototypeOf(LightRequest.prototype, Request.prototype)

function absoluteUrl(request: ThreadRequest): string {
  const { path, headers } = request
  if (path.startsWith('http://') || path.startsWith('https://')) return path
  return `http://${headers.get('host') ?? 'localhost'}${path.startsWith('/') ? path : `/${path}`}`
}

type Headerish = Headers | Record<string, string> | readonly (readonly [string, string])[] | undefined
interface Init {
  readonly status?: number
  readonly statusText?: string
  readonly headers?: Headerish
}

/** The class that LightResponse takes the place of: what `fetch` and the streams of Node.js give. */
export const NativeResponse = globalThis.Response

/** Streams that `LightResponse#body` gave out, so that `new Response(other.body, other)`, which Hono does to add a header, stays cheap. */
const bodyOfStream = new WeakMap<object, unknown>()

/** What a LightResponse holds, without having built anything of undici. */
export interface ResponseParts {
  readonly status: number
  /** Name and value by turns. */
  readonly headers: readonly string[]
  readonly body: unknown
}

/**
 * Stands in for `Response` in a request thread: keeps what it was given, and builds undici's Response only when asked for something that
 * only that has.
 */
export class LightResponse {
  readonly status: number
  readonly statusText: string
  #body: unknown
  #headersInit: Headerish
  #headers: Headers | undefined
  #native: Response | undefined

  constructor(body: unknown = null, init: Init = {}) {
    const { status = 200, statusText = '' } = init
    if (status < 200 || status > 599) throw new RangeError(`a response's status is from 200 to 599, not ${status}`)
    const remembered = typeof body === 'object' && body !== null ? bodyOfStream.get(body) : undefined
    this.#body = remembered === undefined ? body : remembered
    this.status = status
    this.statusText = statusText
    if (init instanceof LightResponse) {
      if (init.#headers) this.#headers = new Headers(init.#headers)
      else this.#headersInit = init.#headersInit
    } else this.#headersInit = init.headers
  }

  static json(data: unknown, init: Init = {}): LightResponse {
    const response = new LightResponse(JSON.stringify(data), init)
    if (!response.headers.has('content-type')) response.headers.set('content-type', 'application/json')
    return response
  }
  static error(): Response {
    return NativeResponse.error()
  }
  static redirect(url: string | URL, status = 302): LightResponse {
    return new LightResponse(null, { status, headers: { location: String(url) } })
  }
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && hasPrototype(NativeResponse.prototype, value)
  }

  get ok(): boolean {
    return this.status < 300
  }
  get type(): string {
    return 'default'
  }
  get url(): string {
    return ''
  }
  get redirected(): boolean {
    return false
  }
  get headers(): Headers {
    this.#headers ??= new Headers(this.#headersInit as ConstructorParameters<typeof Headers>[0])
    return this.#headers
  }
  get bodyUsed(): boolean {
    return this.#native?.bodyUsed ?? false
  }
  get body(): ReadableStream | null {
    if (this.#body === null || this.#body === undefined) return null
    const stream = this.#toNative().body
    if (stream) bodyOfStream.set(stream, this.#body)
    return stream as ReadableStream | null
  }
  text(): Promise<string> {
    return this.#toNative().text()
  }
  json(): Promise<unknown> {
    return this.#toNative().json()
  }
  bytes(): Promise<Uint8Array> {
    return this.#toNative().bytes()
  }
  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#toNative().arrayBuffer()
  }
  blob(): Promise<Blob> {
    return this.#toNative().blob()
  }
  formData(): Promise<FormData> {
    return this.#toNative().formData()
  }
  clone(): Response {
    return this.#toNative().clone()
  }

  /** The parts as they are, or undefined if the body has to be read from undici's Response. */
  parts(): ResponseParts | undefined {
    if (this.#native?.bodyUsed) return undefined
    const headers = flatten(this.#headers ?? this.#headersInit)
    if (typeof this.#body === 'string' && !hasContentType(headers))
      headers.push('content-type', 'text/plain;charset=UTF-8')
    return { status: this.status, headers, body: this.#body ?? null }
  }

  #toNative(): Response {
    const body = this.#body as ConstructorParameters<typeof Response>[0]
    this.#native ??= new NativeResponse(body, { status: this.status, headers: this.headers })
    return this.#native
  }
}
Object.setPrototypeOf(LightResponse, NativeResponse)
Object.setPrototypeOf(LightResponse.prototype, NativeResponse.prototype)

/** True for a LightResponse itself; `instanceof` also holds for undici's. */
export function isLight(response: object): response is LightResponse {
  return hasPrototype(LightResponse.prototype, response)
}

function hasPrototype(prototype: object, value: object): boolean {
  return Object.prototype.isPrototypeOf.call(prototype, value)
}

export function flatten(headers: Headerish): string[] {
  const flat: string[] = []
  if (headers === undefined) return flat
  const pairs = headers instanceof Headers || Array.isArray(headers) ? headers : Object.entries(headers)
  for (const [name, value] of pairs) flat.push(name, value)
  return flat
}

function hasContentType(flat: readonly string[]): boolean {
  for (let i = 0; i < flat.length; i += 2) if (flat[i]?.toLowerCase() === 'content-type') return true
  return false
}

/** Makes `Response` mean LightResponse in this thread. */
export function installLightResponse(): void {
  globalThis.Response = LightResponse as unknown as typeof Response
}

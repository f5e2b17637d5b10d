import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** The Cloud Controller's side of the blobs: hands out what was put there, keeps what is uploaded. Asks for Basic auth. */
export class BlobServer {
  readonly downloads = new Map<string, Buffer>()
  /** Path → the content of the multipart field `upload[droplet]`. */
  readonly uploads = new Map<string, Buffer>()
  /** Paths that were asked for. */
  readonly requests: string[] = []
  /** Answers that come before the right one, by path. */
  readonly failures = new Map<string, number[]>()
  readonly #server: Server

  static async open(): Promise<BlobServer> {
    const blobs = new BlobServer()
    await new Promise<void>((resolve) => blobs.#server.listen(0, '127.0.0.1', resolve))
    return blobs
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ([status, body, headers]) => response.writeHead(status, headers).end(body),
        () => response.writeHead(500).end(),
      )
    })
  }

  /** With user and password, as the Cloud Controller writes them; the password needs percent-encoding. */
  url(path: string): string {
    return `http://staging:p%40ss@127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  put(path: string, content: Buffer): string {
    this.downloads.set(path, content)
    return this.url(path)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage): Promise<[number, Buffer | string, Record<string, string>?]> {
    const [path = ''] = (request.url ?? '').split('?')
    this.requests.push(`${request.method} ${path}`)
    const body = await buffer(request)
    if (path.startsWith('/public/')) return this.#download(path)
    if (request.headers.authorization !== `Basic ${Buffer.from('staging:p@ss').toString('base64')}`) return [401, 'no']
    const failure = this.failures.get(path)?.shift()
    if (failure) return [failure, 'fault']
    if (path.startsWith('/redirect/')) return [302, '', { location: path.replace('/redirect', '/public') }]
    if (request.method === 'GET') return this.#download(path)
    this.uploads.set(path, fieldOf(body))
    return [200, '']
  }

  #download(path: string): [number, Buffer | string] {
    const content = this.downloads.get(path)
    return content ? [200, content] : [404, 'nothing here']
  }
}

function fieldOf(multipart: Buffer): Buffer {
  const text = multipart.toString('latin1')
  const boundary = text.slice(0, text.indexOf('\r\n'))
  const head = text.slice(0, text.indexOf('\r\n\r\n'))
  if (!head.includes('name="upload[droplet]"')) throw new Error('no field upload[droplet]')
  return multipart.subarray(head.length + 4, text.lastIndexOf(`\r\n${boundary}--`))
}

import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly trailers: NodeJS.Dict<string>
  readonly body: string
}

export interface Ask extends Omit<RequestOptions, 'headers'> {
  readonly headers?: Record<string, string | readonly string[]>
  readonly body?: string | Buffer
}

/** Sends a request for `host` (and path) to the router and reads the whole answer. */
export async function ask(routerUrl: string, host: string, { body, headers = {}, ...rest }: Ask = {}): Promise<Answer> {
  const { response } = await open(routerUrl, host, { headers, ...rest, ...(body === undefined ? {} : { body }) })
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    trailers: response.trailers,
    body: Buffer.concat(chunks).toString(),
  }
}

/** The same, but hands over the response as soon as its headers are there. */
export async function open(
  routerUrl: string,
  host: string,
  { body, headers = {}, ...rest }: Ask = {},
): Promise<{ response: IncomingMessage; abort: () => void }> {
  const slash = host.indexOf('/')
  const outgoing = request(routerUrl, {
    agent: false,
    path: slash < 0 ? '/' : host.slice(slash),
    ...rest,
    headers: { host: slash < 0 ? host : host.slice(0, slash), ...(headers as Record<string, string>) },
  })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { response, abort: () => outgoing.destroy() }
}

/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const deadlineInMilliseconds = 60_000

/** Waits for a fact, asking for it again and again. Throws when it does not come true within a minute. */
export async function eventually<T>(fact: () => T | Promise<T>, isTrue: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + deadlineInMilliseconds
  for (;;) {
    const value = await fact()
    if (isTrue(value)) return value
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

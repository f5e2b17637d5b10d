import { Agent, createServer, get, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import type { TestContext } from 'node:test'

const checkEveryInMilliseconds = 50
/** An older answer of a backend's `/healthz` is none: the machine may have stood still, and the backend have left meanwhile. */
const freshForInMilliseconds = 1_000

interface Backend {
  readonly url: URL
  readonly connections: Agent
  isHealthy: boolean
  /** When that was asked for, on the clock of `performance`. */
  checkedAt: number
}

/**
 * A load balancer as operators have them: looks at `/healthz` of each backend, keeps connections to them, takes the next one when a
 * backend refuses a connection, and never sends a request a second time. What it can't get an answer for is answered 502.
 */
export class Balancer {
  readonly url: string
  /** Why it answered 502 or 503 by itself. */
  readonly failures: unknown[] = []
  #backends: Backend[] = []
  #turn = 0

  private constructor(server: Server) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (incoming, outgoing) => this.#forward(incoming, outgoing, new Set()))
  }

  /** Closed after the test. */
  static async open(t: TestContext): Promise<Balancer> {
    // Kept connections are the clients' to close: closed from here, one could break under a request that is on its way.
    const server = createServer({ keepAliveTimeout: 0 })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const balancer = new Balancer(server)
    const timer = setInterval(() => {
      for (const backend of balancer.#backends) void check(backend)
    }, checkEveryInMilliseconds)
    t.after(() => {
      clearInterval(timer)
      for (const { connections } of balancer.#backends) connections.destroy()
      server.closeAllConnections()
      server.close()
    })
    return balancer
  }

  /** From now on it may choose this one too. */
  add(url: string): void {
    this.#backends.push({
      url: new URL(url),
      connections: new Agent({ keepAlive: true }),
      isHealthy: true,
      checkedAt: -Infinity,
    })
  }

  remove(url: string): void {
    const href = new URL(url).href
    this.#backends = this.#backends.filter((backend) => backend.url.href !== href)
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse, tried: Set<Backend>): void {
    const candidates = this.#backends.filter((backend) => backend.isHealthy && !tried.has(backend))
    const backend = candidates[this.#turn++ % candidates.length]
    if (!backend) {
      this.failures.push('there is no healthy backend')
      outgoing.writeHead(503).end()
      return
    }
    if (!isFresh(backend)) {
      void check(backend).then(() => this.#forward(incoming, outgoing, tried))
      return
    }
    tried.add(backend)
    const { connection: _, ...headers } = incoming.headers
    const { method, url } = incoming
    const onward = request(new URL(url ?? '/', backend.url), { method, headers, agent: backend.connections })
    let isSent = false
    onward.once('socket', (socket) => {
      const send = (): void => {
        isSent = true
        incoming.pipe(onward)
      }
      if (!socket.connecting) send()
      else
        socket.once('connect', async () => {
          if (!isFresh(backend)) await check(backend)
          if (backend.isHealthy) send()
          else onward.destroy(new Error('the backend has left while it was connected to'))
        })
    })
    onward.once('response', (answer) => {
      const { connection: __, 'keep-alive': ___, ...answered } = answer.headers
      outgoing.writeHead(answer.statusCode ?? 502, answered)
      pipeline(answer, outgoing, (error) => {
        if (error) this.failures.push(error)
      })
    })
    onward.once('error', (error) => {
      if (!isSent) return this.#forward(incoming, outgoing, tried)
      this.failures.push(error)
      if (!outgoing.headersSent) outgoing.writeHead(502)
      outgoing.end()
    })
  }
}

const isFresh = ({ checkedAt }: Backend): boolean => performance.now() - checkedAt < freshForInMilliseconds

/** Asks whether it is healthy. */
function check(backend: Backend): Promise<void> {
  const askedAt = performance.now()
  return new Promise((resolve) => {
    const conclude = (isHealthy: boolean): void => {
      // An answer may come after that to a later question.
      if (askedAt > backend.checkedAt) Object.assign(backend, { isHealthy, checkedAt: askedAt })
      resolve()
    }
    get(new URL('/healthz', backend.url), { agent: false }, (answer) => {
      conclude(answer.statusCode === 200)
      answer.resume()
    }).on('error', () => conclude(false))
  })
}

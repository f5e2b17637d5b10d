import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Backend {
  readonly host: string
  readonly port: number
  readonly server: Server
  /** Requests as they arrived. */
  readonly requests: IncomingMessage[]
  stop(): Promise<void>
}

/** A real HTTP server on a free port, in the place of an app instance. */
export async function startBackend(listener: RequestListener = (_, res) => res.end('hello')): Promise<Backend> {
  const requests: IncomingMessage[] = []
  const server = createServer((req, res) => {
    requests.push(req)
    listener(req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    host: '127.0.0.1',
    port,
    server,
    requests,
    stop: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An address at which nobody listens, another one each time. */
export async function deadAddress(): Promise<{ host: string; port: number }> {
  return { host: '127.0.0.1', port: await unusedPort() }
}

/** A free port below those that the system gives away by itself, so that nobody gets it before the test has used it. */
export async function unusedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(11_000, 20_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

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
  // Kept connections are the router's to close: closed from here, one could break under a request that is on its way.
  const server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
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

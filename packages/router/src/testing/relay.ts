import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The way from one client to a server, which a test may cut without a word to anybody else. */
export interface Relay {
  readonly url: string
  /** Breaks all connections, and takes no more until `restore`. */
  cut(): void
  restore(): void
  stop(): Promise<void>
}

/** Listens on a free port and passes on what comes, both ways. */
export async function startRelay(target: string): Promise<Relay> {
  const { hostname, port, protocol } = new URL(target)
  const sockets = new Set<Socket>()
  let isCut = false
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      // A broken connection breaks the other half too; there is nobody to tell.
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
    if (isCut) breakAll()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `${protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true
      breakAll()
    },
    restore: () => {
      isCut = false
    },
    stop: async () => {
      server.close()
      breakAll()
      await once(server, 'close')
    },
  }
}

import type { Socket } from 'node:net'

interface Closeable {
  /** The connection is gone. May be called when it is over already. */
  close(): void
}
interface Waiting {
  readonly exchange: Closeable
  readonly begin: () => void
}
interface Connection {
  readonly open: Set<Closeable>
  current: Closeable | undefined
  readonly waiting: Waiting[]
}

/**
 * Pipelined requests of one connection run one after the other, as their sender must expect: in several threads at once a GET could
 * overtake the POST before it. It also closes what a lost connection leaves behind: Node.js tells it only to the answer that is being sent.
 */
export class ConnectionOrder {
  readonly #connections = new WeakMap<Socket, Connection>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Runs `begin` when the requests before it on this connection are over. False, and it won't run, if too many wait already. */
  enter(socket: Socket, exchange: Closeable, begin: () => void): boolean {
    const connection = this.#connections.get(socket) ?? this.#watch(socket)
    connection.open.add(exchange)
    if (connection.current) {
      if (connection.waiting.length >= this.#limit) return false
      connection.waiting.push({ exchange, begin })
      return true
    }
    connection.current = exchange
    begin()
    return true
  }

  /** The exchange is over. */
  leave(socket: Socket, exchange: Closeable): void {
    const connection = this.#connections.get(socket)
    if (!connection) return
    connection.open.delete(exchange)
    if (connection.current !== exchange) return
    const next = connection.waiting.shift()
    connection.current = next?.exchange
    if (!next) return
    // The answer before may have left its own idle limit on the socket.
    socket.setTimeout(0)
    next.begin()
  }

  /** Whether a request is being worked on there. */
  isBusy(socket: Socket): boolean {
    return this.#connections.get(socket)?.current !== undefined
  }

  #watch(socket: Socket): Connection {
    const connection: Connection = { open: new Set(), current: undefined, waiting: [] }
    this.#connections.set(socket, connection)
    socket.once('close', () => {
      connection.waiting.length = 0
      for (const exchange of connection.open) exchange.close()
    })
    return connection
  }
}

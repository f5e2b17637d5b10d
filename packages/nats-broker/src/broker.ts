import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { Credentials } from './auth.ts'
import type { NatsBrokerConfig } from './config.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { PROTOCOL_VERSION, SPOKEN_SERVER_VERSION } from './const.ts'
import { deliver } from './delivery.ts'
import { NatsBrokerStartError, protocolErrors } from './errors.ts'
import { CachedSublist } from './match-cache.ts'
import type { Publication } from './publication.ts'
import { type BrokerStatistics, noStatistics } from './statistics.ts'
import type { Subscription } from './subscription.ts'

/** The listener, the connections, and the subject tree that they share. */
export class Broker implements ConnectionHost {
  readonly config: NatsBrokerConfig
  readonly credentials: Credentials | undefined
  readonly log: Logger
  readonly #serverId = `N${randomBytes(28).toString('hex').toUpperCase().slice(0, 55)}`
  readonly #subscriptions = new CachedSublist<Subscription>()
  /** Those that are not being closed. */
  readonly #connections = new Set<Connection>()
  readonly #counts = noStatistics()
  readonly #server: Server
  #touched: Connection[] = []
  #lastClientId = 0

  constructor(config: NatsBrokerConfig, log: Logger) {
    this.config = config
    this.log = log
    if (config.user !== undefined && config.password !== undefined)
      this.credentials = new Credentials(config.user, config.password)
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  get statistics(): BrokerStatistics {
    return { ...this.#counts, connections: this.#connections.size, subscriptions: this.#subscriptions.size }
  }

  /** Answers the port. Throws NatsBrokerStartError. */
  async listen(): Promise<number> {
    const { host, port } = this.config
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) =>
        reject(new NatsBrokerStartError(`cannot listen on ${host}:${port}: ${cause.message}`, { cause })),
      )
      this.#server.listen(port, host, resolve)
    })
    this.#server.on('error', (error) => this.log.error({ err: error }, 'a connection could not be accepted'))
    return this.#port()
  }

  /** Stops listening and closes every connection, each with what is still to be sent to it. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.close()
    await closed
  }

  #port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the broker is not listening')
    return address.port
  }

  #accept(socket: Socket): void {
    const id = ++this.#lastClientId
    this.#counts.totalConnections++
    const isOneTooMany = this.#connections.size >= this.config.maxConnections
    const connection = new Connection(id, socket, this)
    this.#connections.add(connection)
    connection.write(this.#info(id, socket.remoteAddress))
    if (isOneTooMany) connection.refuse(protocolErrors.maxConnections)
  }

  #info(clientId: number, clientIp: string | undefined): string {
    const info = {
      server_id: this.#serverId,
      server_name: 'vcap-nats-broker',
      version: SPOKEN_SERVER_VERSION,
      proto: PROTOCOL_VERSION,
      host: this.config.host,
      port: this.#port(),
      headers: true,
      ...(this.credentials && { auth_required: true }),
      max_payload: this.config.maxPayloadInBytes,
      client_id: clientId,
      client_ip: clientIp,
    }
    return `INFO ${JSON.stringify(info)}\r\n`
  }

  // What connections ask of it.

  deliver(publisher: Connection, publication: Publication): void {
    deliver(publisher, publication, this.#subscriptions, this.#counts)
  }

  subscribed(subscription: Subscription): void {
    this.#subscriptions.insert(subscription)
  }

  unsubscribed(subscription: Subscription): void {
    this.#subscriptions.remove(subscription)
  }

  /**
   * `setImmediate` runs when all sockets that were readable have been read, so each client gets everything of this turn in one write.
   */
  touched(connection: Connection): void {
    connection.isTouched = true
    if (this.#touched.push(connection) === 1) setImmediate(this.#flush)
  }

  slowConsumer(): void {
    this.#counts.slowConsumers++
  }

  left(connection: Connection): void {
    this.#connections.delete(connection)
  }

  readonly #flush = (): void => {
    const touched = this.#touched
    this.#touched = []
    for (const connection of touched) {
      connection.isTouched = false
      connection.flush()
    }
  }
}

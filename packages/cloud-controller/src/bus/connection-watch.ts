import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from 'pino'

/** Knows since when NATS has been connected, logs what happens to it, and calls back after each reconnect. Reactor thread. */
export class ConnectionWatch {
  /** Kept when the connection is closed for good. */
  readonly over: Promise<void>
  /** How often the connection was lost and came back. */
  reconnects = 0
  #connectedSince: number | undefined = Date.now()

  constructor(nats: NatsConnection, logger: Logger, reconnected: () => void) {
    this.over = this.#watch(nats, logger, reconnected)
  }

  get isConnected(): boolean {
    return this.#connectedSince !== undefined
  }

  /** Without a break; 0 while there is no connection. */
  get connectedForMilliseconds(): number {
    return this.#connectedSince === undefined ? 0 : Date.now() - this.#connectedSince
  }

  async #watch(nats: NatsConnection, logger: Logger, reconnected: () => void): Promise<void> {
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') {
        this.#connectedSince = undefined
        logger.warn('lost the connection to NATS')
      }
      if (type === 'reconnect') {
        this.#connectedSince = Date.now()
        this.reconnects += 1
        logger.info('connected to NATS again')
        reconnected()
      }
    }
    this.#connectedSince = undefined
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectionOptions, connect, errors, type NatsConnection } from '@nats-io/transport-node'

/** Where the message bus is, as in the configuration of every component. */
export interface BusAddress {
  readonly url: string
  readonly user?: string | undefined
  readonly password?: string | undefined
}

export interface JoinOptions {
  /** What the component calls itself, for the server's log. */
  readonly name: string
  readonly logger: { warn(fields: object, message: string): void }
  /** Over what all components do alike. */
  readonly connection?: ConnectionOptions
  /** Attempts, of which there are ten a second, from one warning that there is no server to the next. */
  readonly warnEvery?: number
}

const pauseInMilliseconds = 100
/**
 * Connects to NATS. Waits for a server that is not there yet, and logs now and then why there is no connection. Throws
 * when a server wants another user or password.
 *
 * Once made, the connection ends by `close` alone. By itself nats.js gives up for good when a server turns it away twice, which one
 * that has just started does when it is too busy to hear in time who we are; the component would live on and hear nothing any more.
 */
export async function joinBus({ url, user, password }: BusAddress, options: JoinOptions): Promise<NatsConnection> {
  const { name, logger, connection, warnEvery = 100 } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect({
        servers: url,
        name,
        ...(user !== undefined && { user }),
        ...(password !== undefined && { pass: password }),
        maxReconnectAttempts: -1,
        reconnectTimeWait: pauseInMilliseconds,
        ignoreAuthErrorAbort: true,
        ...connection,
      })
    } catch (error) {
      const server = withoutCredentials(url)
      if (error instanceof errors.AuthorizationError && /violation/i.test(error.message))
        throw new Error(`NATS at ${server} does not accept this user and password`, { cause: error })
      if (attempt % warnEvery === 0) logger.warn({ err: error, server }, 'there is no connection to NATS yet')
    }
    await delay(pauseInMilliseconds)
  }
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//')
}

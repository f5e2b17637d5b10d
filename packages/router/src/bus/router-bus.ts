import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { type RouterGreeting, RouterRegistration, routerSubjects } from '@vcap/protocol'
import { type BusAddress, joinBus } from '@vcap/protocol/bus'
import type { Logger } from 'pino'
import type { RouteTable } from '../routes/route-table.ts'

export interface RouterBusOptions {
  readonly nats: BusAddress
  readonly greeting: RouterGreeting
  readonly routes: RouteTable
  readonly logger: Logger
}

export interface RouterBus {
  readonly connected: boolean
  publish(subject: string, payload: string): void
  /** Resolves when the server has all that was published. Rejects when the connection is lost before. */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Connects to NATS, fills the route table from `router.register` and `router.unregister`, publishes `router.start` now and after
 * each reconnect, and answers `router.greet`. Resolves when the server has the subscriptions; waits for a server that is not there yet.
 * Source: gorouter mbus/subscriber.go; message-bus fact sheet, section 8.
 */
export async function openRouterBus({ nats, greeting, routes, logger }: RouterBusOptions): Promise<RouterBus> {
  const connection = await joinBus(nats, {
    name: 'router',
    logger,
    // So short that a dead server is noticed long before endpoints seem stale.
    connection: { pingInterval: 20_000 },
  })
  const hello = JSON.stringify(greeting)
  const take = (apply: (message: RouterRegistration) => void) => ({
    callback: (error: Error | null, msg: Msg) => {
      const message = error ? undefined : parse(msg, logger)
      if (message) apply(message)
    },
  })
  connection.subscribe(
    routerSubjects.register,
    take((message) => routes.register(message)),
  )
  connection.subscribe(
    routerSubjects.unregister,
    take((message) => routes.unregister(message)),
  )
  connection.subscribe(routerSubjects.greet, { callback: (_error, msg) => void msg.respond(hello) })
  const state = { connected: true }
  const watching = watch(connection, state, () => {
    routes.refresh()
    connection.publish(routerSubjects.start, hello)
  })
  connection.publish(routerSubjects.start, hello)
  await connection.flush()
  return {
    get connected() {
      return state.connected && !connection.isClosed()
    },
    publish: (subject, payload) => connection.publish(subject, payload),
    flush: () => connection.flush(),
    close: async () => {
      // What was published must leave first. Where the connection breaks meanwhile, there is nobody to leave it to.
      if (state.connected && !connection.isClosed()) {
        await connection.flush().catch((error: unknown) => logger.warn({ err: error }, 'lost NATS while stopping'))
      }
      await connection.close()
      await watching
    },
  }

  async function watch(nc: NatsConnection, current: { connected: boolean }, onReconnect: () => void): Promise<void> {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') {
        current.connected = false
        logger.warn('lost NATS, routes are kept as they are')
      } else if (status.type === 'reconnect') {
        current.connected = true
        logger.info({ server: status.server }, 'NATS is back')
        onReconnect()
      }
    }
  }
}

function parse(msg: Msg, logger: Logger): RouterRegistration | undefined {
  try {
    return RouterRegistration.parse(msg.json())
  } catch (error) {
    logger.error({ err: error, subject: msg.subject, payload: msg.string().slice(0, 2000) }, 'not a registration')
    return undefined
  }
}

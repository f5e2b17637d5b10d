/** An embedded NATS broker: a component of its own on its port, or inside a test. */
import type { RunningComponent } from '@vcap/protocol'
import type { Logger } from 'pino'
import type { z } from 'zod'
import { Broker } from './broker.ts'
import { NatsBrokerConfig } from './config.ts'
import type { BrokerStatistics } from './statistics.ts'

export { NatsBrokerConfig } from './config.ts'
export { NatsBrokerStartError } from './errors.ts'
export type { BrokerStatistics } from './statistics.ts'

export interface RunningNatsBroker extends RunningComponent {
  /** `nats://host:port` for any NATS client; user and password are not in it. */
  readonly addresses: { readonly nats: string }
  /** A copy of the counters as they are now. */
  readonly statistics: BrokerStatistics
}

/**
 * Starts a broker and answers when it listens. `stop` sends what is pending, closes every connection and frees the port;
 * a client that doesn't take its last bytes is cut off after a second.
 * Throws ZodError for a bad configuration and NatsBrokerStartError when it can't listen.
 *
 * @example
 * const broker = await startNatsBroker({ port: 0 })
 * const client = await connect({ servers: broker.addresses.nats })
 */
export async function startNatsBroker(
  config: z.input<typeof NatsBrokerConfig>,
  options: { logger?: Logger } = {},
): Promise<RunningNatsBroker> {
  const parsed = NatsBrokerConfig.parse(config)
  const log = options.logger ?? (await standardLogger())
  const broker = new Broker(parsed, log)
  const port = await broker.listen()
  const nats = `nats://${parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host}:${port}`
  log.info({ address: nats }, 'NATS broker listens')
  let stopped: Promise<void> | undefined
  return {
    addresses: { nats },
    get statistics() {
      return broker.statistics
    },
    stop() {
      stopped ??= broker.close().then(() => log.info('NATS broker stopped'))
      return stopped
    },
  }
}

/** Loaded only when nobody brings a logger. */
async function standardLogger(): Promise<Logger> {
  const { pino } = await import('pino')
  return pino({ name: 'nats-broker' }, pino.destination({ fd: 2, sync: true }))
}

import type { z } from 'zod'
import type { NatsBrokerConfig } from '../config.ts'
import type { RunningNatsServer } from '../testing/nats-server.ts'

/** A server that the suite runs against. */
export interface Target {
  readonly name: string
  /** Why it can't be tested here. */
  readonly skip: string | undefined
  /** Port 0 unless the configuration says otherwise. */
  start(config?: z.input<typeof NatsBrokerConfig>): Promise<RunningNatsServer>
}

/** Runs a test against a server of its own, which is stopped whatever happens. */
export async function withServer(
  target: Target,
  config: z.input<typeof NatsBrokerConfig>,
  test: (address: string) => Promise<void>,
): Promise<void> {
  const server = await target.start(config)
  try {
    await test(server.addresses.nats)
  } finally {
    await server.stop()
  }
}

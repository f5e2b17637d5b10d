import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { RunningComponent } from '@vcap/protocol'
import { type Logger, pino } from 'pino'
import type { z } from 'zod'
import { createApp } from './api/app.ts'
import { LogAccess } from './auth/log-access.ts'
import { TokenReader } from './auth/token-reader.ts'
import { receiveEnvelopes } from './bus/receive-envelopes.ts'
import { LogCacheConfig } from './config.ts'
import { EnvelopeStore } from './store/envelope-store.ts'

/** Longer than clients keep an unused connection, so that none is closed under a request that is on its way. */
const keepAliveInMs = 65_000

/**
 * Starts log-cache. Resolves when it listens and receives envelopes; UAA and the Cloud Controller are asked only when somebody reads.
 * Throws at once when the configuration is invalid or the port is taken.
 */
export async function startLogCache(
  input: z.input<typeof LogCacheConfig>,
  { logger = pino({ name: 'log-cache' }, pino.destination(2)) }: { logger?: Logger } = {},
): Promise<RunningComponent> {
  const config = LogCacheConfig.parse(input)
  const store = new EnvelopeStore(config)
  const tokens = new TokenReader(config)
  const access = new LogAccess(config)
  const app = createApp({ store, tokens, access, logger })
  const serverOptions = { keepAliveTimeout: keepAliveInMs }
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions }) as Server
  server.listen(config.port, config.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const http = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`

  const receiving = await receiveEnvelopes(config.nats, store, logger).catch((error: unknown) => {
    server.close()
    throw error
  })
  logger.info({ http }, 'log-cache started')

  let stopped: Promise<void> | undefined
  return { addresses: { http }, stop: () => (stopped ??= stop()) }

  async function stop(): Promise<void> {
    const closed = once(server, 'close')
    server.close()
    // Reads are short; what is left after this long is a client that does not read its answer.
    const deadline = setTimeout(() => server.closeAllConnections(), 2000)
    const sweep = setInterval(() => server.closeIdleConnections(), 20)
    await closed
    clearTimeout(deadline)
    clearInterval(sweep)
    await receiving.stop()
    logger.info('log-cache stopped')
  }
}

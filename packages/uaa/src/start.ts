import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { RunningComponent } from '@vcap/protocol'
import { type Logger, pino } from 'pino'
import type { z } from 'zod'
import { bootstrap, configuredClients } from './bootstrap.ts'
import { isLoopbackHost, isOnLoopback, refuseUnsafeSecrets, UaaConfig } from './config.ts'
import type { UaaContext } from './context.ts'
import { createApp } from './http/app.ts'
import { ClientSecrets } from './oauth/client-secrets.ts'
import { LoginGuard } from './passwords/login-guard.ts'
import { PasswordHasher } from './passwords/password-hash.ts'
import { Store } from './store/store.ts'
import { SigningKeys } from './tokens/signing-keys.ts'

/** The Cloud Controller looks up 200 ids with one GET, beside a token: more than the 16 KiB that Node.js allows. */
const maxHeaderInBytes = 65_536

/** Longer than our own clients keep an unused connection, so that none is closed under a request that is on its way. */
const keepAliveInMs = 65_000

/** Requests that are still under way so long after `stop` are cut off. */
const stopGraceInMs = 5_000
const sweepIntervalInMs = 20

export interface UaaOptions {
  /** Default: JSON on standard error. */
  readonly logger?: Logger
  /** Milliseconds since the epoch; for tests of what takes long. */
  readonly now?: () => number
}

/**
 * Starts the UAA on its own data directory. Resolves when it listens; the first signing key may still be on its way.
 * Throws UnsafeSecretError for well-known secrets on an address that others can reach, ZodError for a configuration
 * that is none, and the error of Node.js for a port in use or a directory that can't be written.
 */
export async function startUaa(input: z.input<typeof UaaConfig>, options: UaaOptions = {}): Promise<RunningComponent> {
  const config = UaaConfig.parse(input)
  refuseUnsafeSecrets(config)
  const logger = options.logger ?? pino({ name: 'uaa' }, pino.destination({ dest: 2, sync: true }))
  const now = options.now ?? Date.now
  const hasher = new PasswordHasher(config.passwords.scryptCost)
  const store = new Store(config.dataDirectory)
  const server = createServer({ maxHeaderSize: maxHeaderInBytes, keepAliveTimeout: keepAliveInMs })
  try {
    await bootstrap(config, store, hasher, now())
    const keys = SigningKeys.open(config.dataDirectory, config.signingKeys, logger)
    const address = await listen(server, config)
    const externalUrl =
      config.externalUrl ?? urlOf(isLoopbackHost(config.host) ? 'localhost' : config.host, address.port)
    const context: UaaContext = {
      config,
      store,
      keys,
      hasher,
      guard: new LoginGuard(store.users, config.lockout, config.failedLoginDelayInMilliseconds, now),
      clientSecrets: new ClientSecrets(
        new Map(configuredClients(config).map(({ id, secret }) => [id, secret])),
        hasher,
      ),
      passwordPolicy: { ...config.passwords, refuseWellKnown: !isOnLoopback(config) },
      externalUrl,
      issuer: `${externalUrl}/oauth/token`,
      logger,
      now,
    }
    // No connection is read before this turn of the event loop ends: no request misses its listener.
    const answer = getRequestListener(createApp(context).fetch)
    server.on('request', (request, response) => void answer(request, response))
    logger.info({ url: externalUrl, port: address.port }, 'UAA listens')
    let stopped: Promise<void> | undefined
    return {
      addresses: { http: urlOf(config.host, address.port) },
      stop: () => {
        stopped ??= stop(server, keys, store)
        return stopped
      },
    }
  } catch (error) {
    server.close()
    store.close()
    throw error
  }
}

async function stop(server: Server, keys: SigningKeys, store: Store): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection whose last request has just been answered is idle only now, and would be kept.
  const sweep = setInterval(() => server.closeIdleConnections(), sweepIntervalInMs)
  const cutOff = setTimeout(() => server.closeAllConnections(), stopGraceInMs)
  await closed
  clearInterval(sweep)
  clearTimeout(cutOff)
  await keys.settled()
  store.close()
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the server has no port'))
      else resolve(address)
    })
  })
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

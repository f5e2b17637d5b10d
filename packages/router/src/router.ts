import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningComponent } from '@vcap/protocol'
import { type Logger, pino } from 'pino'
import type { z } from 'zod'
import { AccessLog } from './access-log/access-log.ts'
import { createAdminServer } from './admin/admin-server.ts'
import { openRouterBus, type RouterBus } from './bus/router-bus.ts'
import { RouterConfig } from './config.ts'
import { drain, listen } from './listener.ts'
import { BackendConnections } from './proxy/backend-connections.ts'
import { handleRequest, handleUpgrade, mayUpgrade } from './proxy/proxy.ts'
import type { ProxyContext } from './proxy/proxy-context.ts'
import { RequestCounters } from './proxy/request-counters.ts'
import { RouteTable } from './routes/route-table.ts'

/**
 * Starts the router. Resolves when it is connected to NATS, listens and has given endpoints `startDelayInMilliseconds` to register;
 * until then requests get 503. Throws at once when the configuration is invalid or a port is taken.
 */
export async function startRouter(
  input: z.input<typeof RouterConfig>,
  { logger = pino({ name: 'router' }, pino.destination(2)) }: { logger?: Logger } = {},
): Promise<RunningComponent> {
  const config = RouterConfig.parse(input)
  const id = `${config.index}-${randomUUID()}`
  const bus: { current?: RouterBus } = {}
  const backends = new BackendConnections(config)
  const routes = new RouteTable({ ...config, onAddressGone: (address) => backends.release(address) })
  const accessLog = new AccessLog({
    routerIndex: config.index,
    intervalInMilliseconds: config.accessLogIntervalInMilliseconds,
    canPublish: () => bus.current?.connected ?? false,
    publish: (subject, payload) => bus.current?.publish(subject, payload),
    arrived: async () => bus.current?.flush(),
  })
  const context: ProxyContext = {
    ...{ config, routes, backends, accessLog, logger },
    counters: new RequestCounters(),
    isStarting: true,
    isDraining: false,
  }

  const upgraded = new Set<Socket>()
  const server = createProxyServer(context, upgraded)
  const admin = config.admin && createAdminServer(context, { id, ...config.admin })
  const addresses: Record<string, string> = { http: await listen(server, config.host, config.port) }
  try {
    if (admin && config.admin) addresses.admin = await listen(admin, config.admin.host, config.admin.port)
    bus.current = await openRouterBus({
      nats: config.nats,
      greeting: {
        id,
        hosts: [config.host],
        minimumRegisterIntervalInSeconds: config.minimumRegisterIntervalInSeconds,
        pruneThresholdInSeconds: config.pruneThresholdInSeconds,
      },
      ...{ routes, logger },
    })
  } catch (error) {
    server.close()
    admin?.close()
    throw error
  }
  const pruning = setInterval(() => prune(context, bus.current), config.pruneIntervalInSeconds * 1000)
  await delay(config.startDelayInMilliseconds)
  context.isStarting = false
  logger.info({ addresses, id }, 'router started')

  let stopped: Promise<void> | undefined
  return { addresses, stop: () => (stopped ??= stop()) }

  async function stop(): Promise<void> {
    context.isDraining = true
    clearInterval(pruning)
    // A WebSocket has no end of its own to wait for; its client connects again, to the next router.
    for (const socket of upgraded) socket.destroySoon()
    await drain(server, config.drainTimeoutInSeconds, () => {
      for (const socket of upgraded) socket.destroy()
    })
    await backends.close()
    accessLog.flush()
    await bus.current?.close()
    if (admin) await drain(admin, 0)
    logger.info('router stopped')
  }
}

function createProxyServer(context: ProxyContext, upgraded: Set<Socket>): Server {
  const { config } = context
  const server = createServer({
    maxHeaderSize: config.maxHeaderSizeInBytes,
    headersTimeout: config.readHeaderTimeoutInSeconds * 1000,
    // A large upload may take as long as it takes.
    requestTimeout: 0,
    keepAliveTimeout: config.frontendIdleTimeoutInSeconds * 1000,
    shouldUpgradeCallback: mayUpgrade,
  })
  server.on('request', (req, res) => handleRequest(req, res, context))
  server.on('checkContinue', (req, res) => handleRequest(req, res, context, true))
  server.on('upgrade', (req, socket: Socket, head) => {
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    handleUpgrade(req, socket, head, context)
  })
  return server
}

/** While NATS is away nobody can register again, so silence says nothing. Source: gorouter registry/registry.go pruneStaleDroplets. */
function prune(context: ProxyContext, bus: RouterBus | undefined): void {
  if (!bus?.connected) {
    context.logger.info('no pruning without NATS')
    return
  }
  for (const { uri, endpoints } of context.routes.prune()) {
    context.logger.info({ uri, endpoints: endpoints.map((endpoint) => endpoint.address) }, 'pruned route')
  }
}

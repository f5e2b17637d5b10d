import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import type { Settings } from '../config.ts'
import type { JobName } from '../threads/job-names.ts'
import { DatabaseMeter, slowStatementInMilliseconds } from './database-meter.ts'

/** What the bus tells of itself when Prometheus asks. */
export interface BusStatistics {
  readonly isConnected: boolean
  readonly reconnects: number
  /** DEAs whose advertisement has not expired. */
  readonly deas: number
  /** Instances by the state that heartbeats say. */
  readonly instances: Readonly<Record<string, number>>
}

export interface ControllerMetrics {
  /** Where Prometheus asks, without a slash at the end. */
  readonly url: string
  /** The reactor adds its own. */
  readonly registry: Registry
  /** For the threads to count in. */
  readonly database: DatabaseMeter
  /** Measures a piece of work of the job threads; the result is that of `work`. */
  timed<T>(name: JobName, work: Promise<T>): Promise<T>
  stop(): Promise<void>
}

/**
 * Serves `GET /metrics` on an address of its own, because the API's is open to everybody, and on the reactor thread, because
 * metrics matter most when no request thread is free. Undefined unless a port is configured; then nothing is measured at all.
 */
export async function startMetrics(
  { metrics: { host, port } }: Settings,
  statistics: () => BusStatistics,
): Promise<ControllerMetrics | undefined> {
  if (port === null) return undefined
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = await import('prom-client')
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'cc_nats_connected',
    help: 'Whether NATS is connected: 1 or 0',
    registers,
    collect() {
      this.set(statistics().isConnected ? 1 : 0)
    },
  })
  new Counter({
    name: 'cc_nats_reconnects_total',
    help: 'How often NATS had to be connected again',
    registers,
    collect() {
      this.reset()
      this.inc(statistics().reconnects)
    },
  })
  new Gauge({
    name: 'cc_deas',
    help: 'DEAs that advertise',
    registers,
    collect() {
      this.set(statistics().deas)
    },
  })
  new Gauge({
    name: 'cc_instances',
    help: 'Instances that DEAs report in their heartbeats, by state',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset()
      for (const [state, count] of Object.entries(statistics().instances)) this.set({ state }, count)
    },
  })
  const duration = new Histogram({
    name: 'cc_work_duration_seconds',
    help: 'Work on job threads, from the order to its end',
    labelNames: ['work', 'outcome'],
    buckets: [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120, 600],
    registers,
  })
  const database = new DatabaseMeter()
  for (const [name, help, read] of [
    ['cc_database_statements_total', 'SQL statements', () => database.read().statements],
    [
      'cc_database_seconds_total',
      'Time that threads have waited for SQL statements',
      () => database.read().microseconds / 1e6,
    ],
    [
      'cc_database_slow_statements_total',
      `SQL statements that took ${slowStatementInMilliseconds} ms or longer`,
      () => database.read().slowStatements,
    ],
    [
      'cc_database_repeated_transactions_total',
      'Transactions that were run again because they met another',
      () => database.read().repeatedTransactions,
    ],
  ] as const) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }
  const server = await serve(registry, host, port)
  return {
    ...server,
    registry,
    database,
    timed(work, result) {
      const end = duration.startTimer({ work })
      return result.then(
        (value) => {
          end({ outcome: 'done' })
          return value
        },
        (error: unknown) => {
          end({ outcome: 'failed' })
          throw error
        },
      )
    },
  }
}

/** Longer than scrapers wait between two looks by default, so that none finds its connection closed. */
const keepAliveInMilliseconds = 65_000

async function serve(registry: Registry, host: string, port: number): Promise<Pick<ControllerMetrics, 'url' | 'stop'>> {
  const server = createServer({ keepAliveTimeout: keepAliveInMilliseconds }, (request, response) => {
    if (request.url !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end()
      return
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

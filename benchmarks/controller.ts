import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudControllerConfig, type Settings } from '../packages/cloud-controller/src/config.ts'
import { adminToken } from './controller/bench-app.ts'
import { fillDatabase } from './controller/fill-database.ts'
import { type LoadResult, load } from './reactor/load.ts'
import { ServerProcess } from './reactor/servers.ts'

/**
 * The Cloud Controller against the same handlers on one thread: `node benchmarks/controller.ts [seconds] [postgres://…]`.
 * 10,000 apps; the database must be empty. Prints Markdown. Everything shares the machine, in both cases alike.
 */
const seconds = Number(process.argv[2] ?? 5)
const databaseUrl = process.argv[3]
const appCount = 10_000
const rounds = 5
/** Until the code for one more path is compiled: each thread of the Cloud Controller has to do that for itself. */
const warmUpInSeconds = 10
/** Until a server runs as it does after minutes of traffic: the Cloud Controller has warmed its threads in reserve by then. */
const settleInSeconds = databaseUrl ? 120 : 60
/** What is left of the ten seconds of a spinning request once all four spin. */
const spinningInSeconds = 9
const directory = mkdtempSync(join(tmpdir(), 'controller-benchmark-'))
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const ms = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(value < 10 ? 2 : 0)} ms`)

const broker = await ServerProcess.start('../controller/nats-process.ts')
const settings = CloudControllerConfig.parse({
  dataDirectory: directory,
  ...(databaseUrl && { databaseUrl }),
  nats: { url: `nats://127.0.0.1:${broker.port}` },
  uaa: { url: 'http://127.0.0.1:1', clientId: 'benchmark', clientSecret: 'benchmark' },
  stagingAuth: { username: 'benchmark', password: 'benchmark' },
  encryptionKeys: { current: 'first', keys: { first: 'a key for benchmarks' } },
})
const oneApp = await fillDatabase(settings, appCount)
const one = `/v3/apps/${oneApp}`
const page = '/v3/apps?page=3&per_page=50'
const kind = databaseUrl ? 'PostgreSQL' : 'SQLite'
const plain = (): Promise<ServerProcess> =>
  ServerProcess.start('../controller/plain-process.ts', JSON.stringify(settings))
const threaded = (minimumRequestThreads = settings.threads.minimumRequestThreads): Promise<ServerProcess> =>
  ServerProcess.start(
    '../controller/threaded-process.ts',
    JSON.stringify({ ...settings, threads: { ...settings.threads, minimumRequestThreads } } satisfies Settings),
  )
const ask = (server: ServerProcess, path: string, clients: number, duration: number): Promise<LoadResult> =>
  load(server.port, path, clients, duration, adminToken)

print(`Node.js ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} before, ${kind}\n`)
await quiet()
await spinning()
await broker.stop()
rmSync(directory, { recursive: true })

/** The servers take turns, and of each figure the median counts: what else disturbs the machine disturbs all of them alike. */
async function quiet(): Promise<void> {
  const servers = [
    { name: 'one thread, plain Hono', server: await plain() },
    { name: 'Cloud Controller, 2 threads', server: await threaded(2) },
    { name: 'Cloud Controller, 4 threads', server: await threaded(4) },
  ]
  const paths = [one, page]
  const results = servers.map(() => paths.map(() => ({ rates: [] as number[], p99s: [] as number[] })))
  for (let round = 0; round < rounds; round++) {
    for (const [j, path] of paths.entries()) {
      for (const [i, { server }] of servers.entries()) {
        if (round === 0) await ask(server, path, 32, j === 0 ? settleInSeconds : warmUpInSeconds)
        const { perSecond, p99, failed } = await ask(server, path, 32, seconds / 2)
        if (failed > 0) throw new Error(`${failed} requests of ${path} failed`)
        results[i]?.[j]?.rates.push(perSecond)
        results[i]?.[j]?.p99s.push(p99)
      }
    }
  }
  print(`| ${kind}, quiet, 32 clients, warm, median of ${rounds} | one app | p99 | page of 50 | p99 | peak memory |`)
  print('|---|---|---|---|---|---|')
  for (const [i, { name, server }] of servers.entries()) {
    const cells = results[i]?.map(({ rates, p99s }, j) => {
      const share = median(rates) / median(results[0]?.[j]?.rates ?? [])
      return `${median(rates).toFixed(0)}/s (${(share * 100).toFixed(0)} %) | ${ms(median(p99s))}`
    })
    print(`| ${name} | ${cells?.join(' | ')} | ${server.memoryInMib('VmHWM').toFixed(0)} MiB |`)
    await server.stop()
  }
  print('')
}

/** Four requests that never let go of the CPU for ten seconds, and others in between. */
async function spinning(): Promise<void> {
  print(
    `| ${kind}, 4 requests spin for 10 s, 8 clients ask for one app | rate | p50 | p99 | max | reactor delay p99 | NATS every 10 ms: late, p99 |`,
  )
  print('|---|---|---|---|---|---|---|')
  for (const [name, start] of [
    ['one thread, plain Hono', plain],
    ['Cloud Controller', () => threaded()],
  ] as const) {
    const server = await start()
    const hasReactor = name === 'Cloud Controller'
    await ask(server, one, 8, settleInSeconds)
    for (const isSpinning of [false, true]) {
      const spins = isSpinning
        ? Array.from({ length: 4 }, () => fetch(`http://127.0.0.1:${server.port}/spin?ms=10000`).then((r) => r.text()))
        : []
      if (isSpinning) await new Promise((resolve) => setTimeout(resolve, 500))
      if (hasReactor) server.reset()
      broker.reset()
      const result = await ask(server, one, 8, spinningInSeconds)
      const delayP99InMs = hasReactor ? (await server.state()).delayP99InMs : Number.NaN
      const tickP99InMs = hasReactor ? (await broker.state()).tickP99InMs : Number.NaN
      const figures = [result.p50, result.p99, result.max, delayP99InMs, tickP99InMs].map(ms).join(' | ')
      print(`| ${name}, ${isSpinning ? 'spinning' : 'quiet'} | ${result.perSecond.toFixed(0)}/s | ${figures} |`)
      await Promise.all(spins)
    }
    await server.stop()
  }
  print('')
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

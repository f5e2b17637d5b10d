import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudControllerConfig } from '../packages/cloud-controller/src/config.ts'
import { adminToken } from './controller/bench-app.ts'
import { fillDatabase } from './controller/fill-database.ts'
import { ServerProcess } from './reactor/servers.ts'

/**
 * Lists of a large installation: `node benchmarks/lists.ts [postgres://…]`, the database must be empty. Page 1 against page 2,000 of
 * 100,000 apps, and the requests that `cf apps` makes for a space of 1,000 apps. Prints Markdown.
 */
const databaseUrl = process.argv[2]
const rounds = 21
const directory = mkdtempSync(join(tmpdir(), 'lists-benchmark-'))
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const authorization = `bearer ${adminToken(0)}`

print(
  `Node.js ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} before, ${databaseUrl ? 'PostgreSQL' : 'SQLite'}\n`,
)
const broker = await ServerProcess.start('../controller/nats-process.ts')
await withApps(1_000, databaseUrl, cfApps)
if (!databaseUrl) await withApps(100_000, undefined, deepPages)
await broker.stop()
rmSync(directory, { recursive: true })

async function withApps(count: number, url: string | undefined, measure: (server: ServerProcess) => Promise<void>) {
  const settings = CloudControllerConfig.parse({
    dataDirectory: directory,
    databaseUrl: url ?? join(directory, `${count}.db`),
    nats: { url: `nats://127.0.0.1:${broker.port}` },
    uaa: { url: 'http://127.0.0.1:1', clientId: 'benchmark', clientSecret: 'benchmark' },
    stagingAuth: { username: 'benchmark', password: 'benchmark' },
    encryptionKeys: { current: 'first', keys: { first: 'a key for benchmarks' } },
  })
  await fillDatabase(settings, count)
  const server = await ServerProcess.start('../controller/threaded-process.ts', JSON.stringify(settings))
  await measure(server)
  await server.stop()
}

async function deepPages(server: ServerProcess): Promise<void> {
  const pages = [1, 1_000, 2_000]
  const times = new Map(pages.map((page) => [page, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    for (const page of pages) {
      const begin = performance.now()
      await get(server, `/v3/apps?page=${page}&per_page=50`)
      if (round > 0) times.get(page)?.push(performance.now() - begin)
    }
  }
  const first = median(times.get(1) ?? [])
  print('| 100,000 apps, 50 a page | median | to page 1 |\n|---|---|---|')
  for (const [page, measured] of times)
    print(`| page ${page} | ${median(measured).toFixed(1)} ms | ${(median(measured) / first).toFixed(2)} |`)
  print('')
}

/** As the CLI asks: all apps of the space, their instances, and the routes in batches of 200 (cloudfoundry/cli command/v7/apps_command.go). */
async function cfApps(server: ServerProcess): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const begin = performance.now()
    const { resources } = await get(server, '/v3/apps?order_by=name&per_page=5000')
    const guids = resources.map(({ guid }) => guid)
    const space = resources[0]?.relationships.space.data.guid
    await get(server, `/v3/processes?embed=process_instances&space_guids=${space}&per_page=5000`)
    for (let start = 0; start < guids.length; start += 200)
      await get(server, `/v3/routes?app_guids=${guids.slice(start, start + 200).join(',')}&per_page=5000`)
    if (round > 0) times.push(performance.now() - begin)
  }
  print(`The requests of \`cf apps\` for 1,000 apps: ${median(times).toFixed(0)} ms (median of ${times.length})\n`)
}

interface Apps {
  readonly resources: ReadonlyArray<{ guid: string; relationships: { space: { data: { guid: string } } } }>
}

async function get(server: ServerProcess, path: string): Promise<Apps> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { authorization } })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Apps
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

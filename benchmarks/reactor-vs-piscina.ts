import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, guidOf } from './reactor/apps-server.ts'
import { load } from './reactor/load.ts'
import { ServerProcess } from './reactor/servers.ts'

/**
 * The same requests through the reactor's pool and through Piscina behind node:http, each with 4 threads and up to 20:
 * quiet, while requests block, and when some hang for ever. `node benchmarks/reactor-vs-piscina.ts [seconds]`; prints Markdown.
 */
const seconds = Number(process.argv[2] ?? 5)
const directory = mkdtempSync(join(tmpdir(), 'reactor-benchmark-'))
const database = join(directory, 'apps.db')
createDatabase(database)
const print = (line: string): void => void process.stdout.write(`${line}\n`)

print(`Node.js ${process.version}, load ${loadavg()[0]?.toFixed(1)} before, ${seconds} s a run\n`)
print(
  '| | one app, 32 clients | p99 | page of 50 | p99 | one app beside 8 clients whose requests block 200 ms: p99 | after 20 hung requests |',
)
print('|---|---|---|---|---|---|---|')
for (const [name, file] of [
  ['reactor', './reactor-process.ts'],
  ['Piscina', './piscina-process.ts'],
] as const) {
  const server = await ServerProcess.start(file, database, '4')
  const cells: string[] = []
  for (const path of [`/v3/apps/${guidOf(77)}`, '/v3/apps?page=3']) {
    await load(server.port, path, 32, 1)
    const { perSecond, p99 } = await load(server.port, path, 32, seconds)
    cells.push(`${perSecond.toFixed(0)}/s`, `${p99.toFixed(1)} ms`)
  }
  const blocking = load(server.port, '/block?ms=200', 8, seconds)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const beside = await load(server.port, `/v3/apps/${guidOf(77)}`, 8, seconds - 1)
  await blocking
  cells.push(`${beside.p99.toFixed(1)} ms`)
  const hung = Array.from({ length: 20 }, (_, i) =>
    fetch(`http://127.0.0.1:${server.port}/never`, { headers: { authorization: `hung-${i}` } }).then(
      ({ status }) => status,
      String,
    ),
  )
  const statuses = await Promise.all(hung)
  const answered = await fetch(`http://127.0.0.1:${server.port}/v3/apps/${guidOf(77)}`).then(
    ({ status }) => status,
    String,
  )
  cells.push(`${[...new Set(statuses)].join()}, then ${answered}`)
  print(`| ${name} | ${cells.join(' | ')} |`)
  await server.stop()
}
rmSync(directory, { recursive: true })

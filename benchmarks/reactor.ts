import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { startReactor } from '@vcap/reactor'
import pino from 'pino'
import { createDatabase, guidOf } from './reactor/apps-server.ts'
import { load } from './reactor/load.ts'
import type { Operations } from './reactor/round-trip-thread.ts'
import { ServerProcess } from './reactor/servers.ts'

/**
 * What a thread per request costs, and what it gives: the reactor against the same Hono handlers on one thread, with SQLite.
 * `node benchmarks/reactor.ts [seconds]`; prints Markdown. Load generator and server share the machine, in both cases alike.
 */
const seconds = Number(process.argv[2] ?? 5)
const directory = mkdtempSync(join(tmpdir(), 'reactor-benchmark-'))
const database = join(directory, 'apps.db')
createDatabase(database)
const one = `/v3/apps/${guidOf(77)}`
const page = '/v3/apps?page=3'
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const ms = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(value < 10 ? 2 : 0)} ms`)
const plain = (): Promise<ServerProcess> => ServerProcess.start('./plain-process.ts', database)
const reactorOf = (minimum = 4): Promise<ServerProcess> =>
  ServerProcess.start('./reactor-process.ts', database, String(minimum))

print(
  `Node.js ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} before, ${seconds} s a run\n`,
)
await roundTrip()
await quiet()
await spinning()
await hanging()
await streaming()
rmSync(directory, { recursive: true })

async function roundTrip(): Promise<void> {
  const operations: Operations = { echo: (value) => value }
  const fixtures = new URL('./reactor/', import.meta.url)
  const reactor = await startReactor({
    operations,
    requestThreads: { module: new URL('apps-thread.ts', fixtures), workerData: database, minimum: 1 },
    jobThreads: { module: new URL('round-trip-thread.ts', fixtures), minimum: 1 },
    http: { faultAnswer: () => ({ status: 503, headers: {}, body: null }), deadlineInSeconds: () => 60 },
    logger: pino({ level: 'silent' }),
  })
  await reactor.warm
  print(
    '| scheduleSync, round trip | back to back: median | p99 | to a sleeping reactor: median | p99 |\n|---|---|---|---|---|',
  )
  const message = { subject: 'dea.1.start', payload: { droplet: guidOf(1), env: Array(20).fill('NAME=value') } }
  for (const [name, value] of [
    ['a number', 1],
    ['a start message (1 kB)', message],
    ['1 MiB of bytes, both ways', new Uint8Array(1024 * 1024)],
  ] as const) {
    const cells: string[] = []
    for (const pauseInMs of [0, 2]) {
      const run = async (calls: number): Promise<Float64Array> =>
        (await reactor.runJob('run', { calls, value, pauseInMs })) as Float64Array
      await run(300)
      const times = await run(name.startsWith('1 MiB') ? 200 : 1000)
      for (const share of [0.5, 0.99]) cells.push(`${times[Math.floor(times.length * share)]?.toFixed(0)} µs`)
    }
    print(`| ${name} | ${cells.join(' | ')} |`)
  }
  print('')
  await reactor.stop()
}

/** The servers take turns, and of each figure the median counts: another program on the machine then disturbs all of them alike. */
async function quiet(): Promise<void> {
  const rounds = 5
  const servers = [
    { name: 'one thread, plain Hono', server: await plain() },
    { name: 'reactor, 2 threads', server: await reactorOf(2) },
    { name: 'reactor, 4 threads', server: await reactorOf(4) },
  ]
  const paths = [one, page]
  const results = servers.map(() => paths.map(() => ({ rates: [] as number[], p99s: [] as number[] })))
  for (let round = 0; round < rounds; round++) {
    for (const [j, path] of paths.entries()) {
      for (const [i, { server }] of servers.entries()) {
        if (round === 0) await load(server.port, path, 32, 1)
        const { perSecond, p99 } = await load(server.port, path, 32, seconds / 2)
        results[i]?.[j]?.rates.push(perSecond)
        results[i]?.[j]?.p99s.push(p99)
      }
    }
  }
  print(
    `| quiet, 32 clients, median of ${rounds} | one app | p99 | page of 50 | p99 | peak memory |\n|---|---|---|---|---|---|`,
  )
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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Four requests that never let go of the CPU, and others in between. */
async function spinning(): Promise<void> {
  print(
    '| 4 requests spin for 10 s; 8 others ask for one app | rate | p50 | p99 | max | reactor delay p99 | every 10 ms: late, p99 |',
  )
  print('|---|---|---|---|---|---|---|')
  for (const [name, start] of [
    ['one thread, plain Hono', plain],
    ['reactor', reactorOf],
  ] as const) {
    const server = await start()
    await load(server.port, one, 8, 1)
    for (const isSpinning of [false, true]) {
      const spins = isSpinning ? Array.from({ length: 4 }, () => get(server.port, '/spin?ms=10000')) : []
      if (isSpinning) await new Promise((resolve) => setTimeout(resolve, 500))
      if (name === 'reactor') server.reset()
      const result = await load(server.port, one, 8, Math.min(seconds, 9))
      const { delayP99InMs, tickP99InMs } =
        name === 'reactor' ? await server.state() : { delayP99InMs: Number.NaN, tickP99InMs: Number.NaN }
      const latencies = [result.p50, result.p99, result.max, delayP99InMs, tickP99InMs].map(ms).join(' | ')
      print(`| ${name}, ${isSpinning ? 'spinning' : 'quiet'} | ${result.perSecond.toFixed(0)}/s | ${latencies} |`)
      await Promise.all(spins)
    }
    await server.stop()
  }
  print('')
}

/** 1,000 requests of which 5 % hang for ever; deadline 1 s. */
async function hanging(): Promise<void> {
  const server = await reactorOf(4)
  const rounds = 20
  const memory: number[] = []
  const counts = new Map<number, number>()
  let slowest = 0
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now()
    await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const status = await get(server.port, i % 20 === 0 ? '/never' : one, `client-${i % 50}`)
        counts.set(status, (counts.get(status) ?? 0) + 1)
      }),
    )
    slowest = Math.max(slowest, performance.now() - begin)
    memory.push(server.memoryInMib('VmRSS'))
  }
  // The traffic was dense: those in reserve leave after up to a minute and a half.
  let { threads } = await server.state()
  for (let i = 0; i < 120 && (threads.idle !== 4 || threads.ending !== 0 || threads.starting !== 0); i++) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    threads = (await server.state()).threads
  }
  print(
    `1,000 requests of which 50 hang, ${rounds} rounds: ${[...counts].map(([status, count]) => `${count} × ${status}`).join(', ')};`,
  )
  print(`slowest round ${ms(slowest)}; memory after each round: ${memory.map((mib) => mib.toFixed(0)).join(' ')} MiB;`)
  print(`threads afterwards: ${JSON.stringify(threads)}\n`)
  await server.stop()
}

async function streaming(): Promise<void> {
  const server = await reactorOf(2)
  const gibibyte = 1024 ** 3
  const chunk = Buffer.alloc(1024 * 1024)
  await load(server.port, one, 8, 1)
  const before = server.memoryInMib('VmRSS')
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, server.memoryInMib('VmRSS'))
  }, 10)
  let begin = performance.now()
  const outgoing = request({
    port: server.port,
    host: '127.0.0.1',
    path: '/keep',
    method: 'POST',
    headers: { 'content-length': gibibyte },
  })
  const answered = once(outgoing, 'response')
  await pipeline(Readable.from(Array(1024).fill(chunk)), outgoing)
  const [incoming] = (await answered) as [IncomingMessage]
  let file = ''
  for await (const part of incoming) file += part
  const uploadSeconds = (performance.now() - begin) / 1000
  if (statSync(file).size !== gibibyte) throw new Error('the upload is not whole')
  begin = performance.now()
  const download = await fetch(`http://127.0.0.1:${server.port}/send?file=${file}`)
  let received = 0
  for await (const part of download.body ?? []) received += part.length
  if (received !== gibibyte) throw new Error('the download is not whole')
  const downloadSeconds = (performance.now() - begin) / 1000
  clearInterval(timer)
  rmSync(file)
  print(
    `1 GiB: upload ${uploadSeconds.toFixed(1)} s, download ${downloadSeconds.toFixed(1)} s, memory +${(peak - before).toFixed(0)} MiB at most`,
  )
  await server.stop()
}

function get(port: number, path: string, authorization = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, host: '127.0.0.1', path, agent: false, headers: { authorization } },
      (incoming) => {
        incoming.resume()
        incoming.on('end', () => resolve(incoming.statusCode ?? 0))
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}

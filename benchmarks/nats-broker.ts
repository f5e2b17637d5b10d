/**
 * How many messages a second does the embedded NATS broker pass on, compared with nats-server?
 * Both run as child processes and are driven by this process over raw sockets, turn by turn, so that the ratio means something
 * whatever the machine. Run: `node benchmarks/nats-broker.ts`; takes less than a minute.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { startNatsBroker } from '@vcap/nats-broker'
import { findNatsServer, startNatsServer } from '@vcap/nats-broker/testing/nats-server'

const ROUNDS = 5
const SCENARIO_TIMEOUT_IN_MS = 30_000

interface Scenario {
  readonly name: string
  /** Answers messages delivered per second. */
  run(address: string): Promise<number>
}

/** The broker in a process of its own, as `vcap up` runs it. */
async function serve(): Promise<void> {
  const { pino } = await import('pino')
  const broker = await startNatsBroker({ port: 0 }, { logger: pino({ level: 'silent' }) })
  process.stdout.write(`${broker.addresses.nats}\n`)
  process.stdin.resume().once('end', () => void broker.stop())
}

async function compare(): Promise<void> {
  if (!findNatsServer()) throw new Error('nats-server is not installed, so there is nothing to compare with')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', import.meta.filename, 'serve'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const embedded = await firstLine(child)
  const server = await startNatsServer()
  try {
    process.stdout.write('messages/s                              embedded   nats-server   ratio (median, min–max)\n')
    for (const scenario of scenarios) {
      const ours: number[] = []
      const theirs: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await scenario.run(embedded))
        theirs.push(await scenario.run(server.addresses.nats))
      }
      report(scenario.name, ours, theirs)
    }
  } finally {
    child.stdin?.end()
    await server.stop()
  }
}

function report(name: string, ours: readonly number[], theirs: readonly number[]): void {
  const ratios = ours.map((value, i) => value / (theirs[i] ?? Number.NaN)).sort((a, b) => a - b)
  const [low, high] = [ratios[0] ?? 0, ratios.at(-1) ?? 0]
  const columns = [
    name.padEnd(36),
    Math.round(median(ours)).toLocaleString('en').padStart(11),
    Math.round(median(theirs)).toLocaleString('en').padStart(13),
    `   ${median(ratios).toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`,
  ]
  process.stdout.write(`${columns.join(' ')}\n`)
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const scenarios: readonly Scenario[] = [
  { name: '1 publisher, 1 subscriber, 128 B', run: (address) => flood(address, 400_000, 128, ['SUB bench 1']) },
  {
    name: '1 publisher, 8 subscribers, 128 B',
    run: (address) => flood(address, 60_000, 128, new Array<string>(8).fill('SUB bench 1')),
  },
  {
    name: '1 publisher, queue of 4, 128 B',
    run: (address) => flood(address, 300_000, 128, new Array<string>(4).fill('SUB bench workers 1'), 1),
  },
  { name: '1 publisher, 1 subscriber, 8 KiB', run: (address) => flood(address, 30_000, 8192, ['SUB bench 1']) },
  { name: '1 publisher, 1 subscriber, 256 KiB', run: (address) => flood(address, 1000, 256 * 1024, ['SUB bench 1']) },
  { name: '1 request and reply at a time', run: (address) => requests(address, 5000, 1) },
  { name: '64 requests at a time', run: (address) => requests(address, 60_000, 64) },
]

/** Publishes as fast as the server takes it, until all subscribers together have everything. */
async function flood(
  address: string,
  messages: number,
  size: number,
  subscriptions: readonly string[],
  copies = subscriptions.length,
): Promise<number> {
  const delivered = `MSG bench 1 ${size}\r\n${'x'.repeat(size)}\r\n`.length * messages * copies
  let received = 0
  let finish = (): void => undefined
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const sockets: Socket[] = []
  for (const subscription of subscriptions) {
    const socket = await join(address, `${subscription}\r\n`)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received >= delivered) finish()
    })
    sockets.push(socket)
  }
  const publisher = await join(address, '')
  sockets.push(publisher)
  publisher.on('data', () => undefined)
  const message = Buffer.from(`PUB bench ${size}\r\n${'x'.repeat(size)}\r\n`)
  const inBatch = Math.max(1, Math.floor((64 * 1024) / message.length))
  const batch = Buffer.concat(new Array<Buffer>(inBatch).fill(message))
  const start = performance.now()
  for (let left = messages; left > 0; left -= inBatch) {
    const goesOn = publisher.write(left >= inBatch ? batch : batch.subarray(0, left * message.length))
    if (!goesOn) await once(publisher, 'drain')
  }
  await within(finished, 'all messages')
  const seconds = (performance.now() - start) / 1000
  for (const socket of sockets) socket.destroy()
  return (messages * copies) / seconds
}

/** One responder, one requester that keeps `parallel` requests open; answers requests per second. */
async function requests(address: string, count: number, parallel: number): Promise<number> {
  const responder = await join(address, 'SUB service 1\r\n')
  const requester = await join(address, 'SUB inbox 1\r\n')
  const request = 'MSG service 1 inbox 2\r\nhi\r\n'.length
  const reply = 'MSG inbox 1 2\r\nok\r\n'.length
  const answer = inWholeMessages(request, (messages) => responder.write('PUB inbox 2\r\nok\r\n'.repeat(messages)))
  responder.on('data', answer)
  let start = 0
  let answered = 0
  let sent = parallel
  await within(
    new Promise<void>((resolve) => {
      const again = inWholeMessages(reply, (messages) => {
        answered += messages
        if (answered >= count) resolve()
        const next = Math.min(messages, count - sent)
        sent += next
        if (next > 0) requester.write('PUB service inbox 2\r\nhi\r\n'.repeat(next))
      })
      requester.on('data', again)
      start = performance.now()
      requester.write('PUB service inbox 2\r\nhi\r\n'.repeat(parallel))
    }),
    'all replies',
  )
  const seconds = (performance.now() - start) / 1000
  responder.destroy()
  requester.destroy()
  return count / seconds
}

/** Turns chunks into the number of messages of a known length that they complete. */
function inWholeMessages(length: number, then: (messages: number) => void): (chunk: Buffer) => void {
  let bytes = 0
  return (chunk) => {
    bytes += chunk.length
    const messages = Math.floor(bytes / length)
    bytes -= messages * length
    if (messages > 0) then(messages)
  }
}

/** Joins quietly and comes back when the server has taken the subscription. */
async function join(address: string, operations: string): Promise<Socket> {
  const { hostname, port } = new URL(address)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  socket.write(`CONNECT {"verbose":false,"pedantic":false}\r\n${operations}PING\r\n`)
  let greeting = ''
  while (!greeting.endsWith('PONG\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    greeting += chunk
  }
  return socket
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('the child has no output')
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  return chunk.toString().trim()
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not come within ${SCENARIO_TIMEOUT_IN_MS} ms`)),
      SCENARIO_TIMEOUT_IN_MS,
    )
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

if (process.argv[2] === 'serve') await serve()
else await compare()

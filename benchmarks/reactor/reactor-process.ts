import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startReactor } from '@vcap/reactor'
import pino from 'pino'

/** The reactor with the handlers of apps-server, in a process of its own, so that the load generator does not share its threads. */
const [, , file = '', minimum = '4'] = process.argv
const reactor = await startReactor({
  operations: {},
  requestThreads: {
    module: new URL('./apps-thread.ts', import.meta.url),
    workerData: file,
    minimum: Number(minimum),
    retireAfterIdleInSeconds: 2,
  },
  http: {
    queueLimit: 2000,
    faultAnswer: ({ kind }) => ({ status: kind === 'deadline' ? 504 : 503, headers: {}, body: kind }),
    deadlineInSeconds: ({ path }) => (path === '/never' ? 1 : 60),
  },
  logger: pino({ level: 'silent' }),
})
await reactor.warm

const resolutionInMs = 1
const delay = monitorEventLoopDelay({ resolution: resolutionInMs })
delay.enable()
/** How late a message that leaves every 10 ms, as a heartbeat on NATS would, really leaves. */
let ticks: number[] = []
let due = performance.now() + 10
function tick(): void {
  const now = performance.now()
  ticks.push(Math.max(0, now - due))
  due = Math.max(due + 10, now)
  setTimeout(tick, due - now)
}
setTimeout(tick, 10)

process.on('message', (message) => {
  if (message === 'reset') {
    delay.reset()
    ticks = []
    return
  }
  ticks.sort((a, b) => a - b)
  process.send?.({
    delayP99InMs: Math.max(0, delay.percentile(99) / 1e6 - resolutionInMs),
    tickP99InMs: ticks[Math.floor(ticks.length * 0.99)] ?? 0,
    threads: reactor.threads().request,
  })
})
process.send?.({ port: reactor.port })

/** Ends with the benchmark that started it. */
process.once('disconnect', () => process.exit())

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { connect } from '@nats-io/transport-node'
import { startReactor } from '@vcap/reactor'
import { pino } from 'pino'
import { startBus } from '../../packages/cloud-controller/src/bus/start-bus.ts'
import type { Settings } from '../../packages/cloud-controller/src/config.ts'
import type { ThreadData } from '../../packages/cloud-controller/src/threads/thread-services.ts'

/** The Cloud Controller as it is, with its bus, and with a message that should leave every 10 ms as a heartbeat would. */
const settings = JSON.parse(process.argv[2] ?? '') as Settings
const logger = pino({ level: 'silent' })
const bus = await startBus({ settings, logger, runJob: () => undefined })
const reactor = await startReactor({
  operations: bus.operations,
  requestThreads: {
    module: new URL('./bench-thread.ts', import.meta.url),
    workerData: { settings, databaseMemory: undefined } satisfies ThreadData,
    minimum: settings.threads.minimumRequestThreads,
  },
  http: {
    faultAnswer: () => ({ status: 503, headers: {}, body: null }),
    deadlineInSeconds: () => 60,
  },
  logger,
})
await reactor.warm

const nats = await connect({ servers: settings.nats.url })
const resolutionInMs = 1
const delay = monitorEventLoopDelay({ resolution: resolutionInMs })
delay.enable()
let due = performance.now() + 10
function tick(): void {
  nats.publish('benchmark.tick', String(performance.timeOrigin + due))
  due = Math.max(due + 10, performance.now())
  setTimeout(tick, Math.max(0, due - performance.now()))
}
setTimeout(tick, 10)

process.on('message', (message) => {
  if (message === 'reset') delay.reset()
  else
    process.send?.({
      delayP99InMs: Math.max(0, delay.percentile(99) / 1e6 - resolutionInMs),
      tickP99InMs: 0,
      threads: reactor.threads().request,
    })
})
process.send?.({ port: reactor.port })
process.once('disconnect', () => process.exit())

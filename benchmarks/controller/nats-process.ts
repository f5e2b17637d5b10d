import { connect } from '@nats-io/transport-node'
import { startNatsBroker } from '@vcap/nats-broker'
import { pino } from 'pino'

/** The broker, and who listens on it: measures how late each tick arrives. */
const broker = await startNatsBroker({ port: 0 }, { logger: pino({ level: 'silent' }) })
const nats = await connect({ servers: broker.addresses.nats ?? '' })
let late: number[] = []
nats.subscribe('benchmark.tick', {
  callback: (_, message) => {
    late.push(performance.timeOrigin + performance.now() - Number(message.string()))
  },
})
process.on('message', (message) => {
  if (message === 'reset') {
    late = []
    return
  }
  late.sort((a, b) => a - b)
  process.send?.({ tickP99InMs: late[Math.floor(late.length * 0.99)] ?? Number.NaN, delayP99InMs: 0, threads: {} })
})
process.send?.({ port: Number(new URL(broker.addresses.nats ?? '').port) })
process.once('disconnect', () => process.exit())

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connect } from '@nats-io/transport-node'
import { startNatsBroker } from '@vcap/nats-broker'
import { pino } from 'pino'
import { CloudControllerConfig } from '../config.ts'
import { eventually } from '../testing/eventually.ts'
import { FakeDea } from '../testing/fake-dea.ts'
import { startBus } from './start-bus.ts'

const logger = pino({ level: 'silent' })

/** A controller's side of the bus, and the ids of the staging tasks whose replies came to it. */
async function controllerAt(t: TestContext, url: string) {
  const settings = CloudControllerConfig.parse({
    dataDirectory: '/nowhere',
    nats: { url },
    uaa: { url: 'http://uaa.example.org', clientId: 'controller', clientSecret: 'secret' },
    stagingAuth: { username: 'staging', password: 'staging-secret' },
    encryptionKeys: { current: 'first', keys: { first: 'a key for tests' } },
    dea: { advertisementTimeoutInSeconds: 600 },
  })
  const handled: string[] = []
  const runJob = (name: string, argument: unknown) => {
    if (name === 'staging-reply') handled.push((argument as { task_id: string }).task_id)
  }
  const bus = await startBus({ settings, logger, runJob })
  t.after(() => bus.stop())
  return { bus, handled }
}

test('one of two controllers leaves: what they share goes to the other, each message once, and what all hear still comes', async (t) => {
  const broker = await startNatsBroker({ port: 0 }, { logger })
  t.after(() => broker.stop())
  const one = await controllerAt(t, broker.addresses.nats)
  const other = await controllerAt(t, broker.addresses.nats)
  const nats = await connect({ servers: broker.addresses.nats, timeout: 60_000 })
  t.after(() => nats.close())
  const sent: string[] = []
  const send = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const task = `build-${sent.length}`
      sent.push(task)
      nats.publish(`cc.staging.${task}`, JSON.stringify({ task_id: task, phase: 'setup' }))
    }
    await nats.flush()
  }

  await send(100)
  await eventually('both take their share', () => one.handled.length > 0 && other.handled.length > 0)
  const leaving = one.bus.leave()
  assert.equal(one.bus.operations['jobs.mayBegin'](), false)
  await Promise.all([leaving, send(500)])
  const atTheEnd = one.handled.length
  await send(100)
  await eventually('all are handled', () => one.handled.length + other.handled.length >= sent.length)
  assert.deepEqual([...one.handled, ...other.handled].sort(), sent.sort())
  assert.equal(one.handled.length, atTheEnd)

  await FakeDea.open(t, broker.addresses.nats)
  await eventually('it still hears of DEAs', () => one.bus.statistics().deas === 1)
})

test('without a connection there is nothing to leave', async (t) => {
  const broker = await startNatsBroker({ port: 0 }, { logger })
  const { bus } = await controllerAt(t, broker.addresses.nats)
  await broker.stop()
  await eventually('it is noticed', () => !bus.statistics().isConnected)
  await bus.leave()
})

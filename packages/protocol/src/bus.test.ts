import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startNatsBroker } from '@vcap/nats-broker'
import { unusedPort } from '@vcap/nats-broker/testing/unused-port'
import { pino } from 'pino'
import { joinBus } from './bus.ts'

const logger = pino({ level: 'silent' })
const user = 'vcap'

async function given(t: TestContext, password: string, port = 0) {
  const broker = await startNatsBroker({ port, user, password }, { logger })
  t.after(() => broker.stop())
  return broker
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await delay(10)
  }
}

test('a server that comes later is waited for, and meanwhile the log says why there is no connection', async (t) => {
  const port = await unusedPort()
  const told: object[] = []
  const joining = joinBus(
    { url: `nats://ignored:right@127.0.0.1:${port}`, user, password: 'right' },
    { name: 'test', logger: { warn: (fields) => told.push(fields) }, warnEvery: 2 },
  )
  await until('it is told that there is no server', () => told.length > 0)
  assert.match(JSON.stringify(told), /127\.0\.0\.1/)
  assert.doesNotMatch(JSON.stringify(told), /right/)
  await given(t, 'right', port)
  const connection = await joining
  await connection.close()
})

test('a wrong password is said at once', async (t) => {
  const broker = await given(t, 'right')
  const joining = joinBus({ url: broker.addresses.nats, user, password: 'wrong' }, { name: 'test', logger })
  await assert.rejects(joining, /^Error: NATS at nats:\/\/127\.0\.0\.1:\d+ does not accept this user and password$/)
})

test('a server that turns us away again and again does not end the connection', async (t) => {
  const port = await unusedPort()
  const first = await given(t, 'right', port)
  const connection = await joinBus({ url: first.addresses.nats, user, password: 'right' }, { name: 'test', logger })
  t.after(() => connection.close())
  const heard: string[] = []
  connection.subscribe('news', { callback: (_, message) => void heard.push(message.string()) })
  await first.stop()
  const strict = await given(t, 'another', port)
  await until('it was turned away several times', () => strict.statistics.totalConnections > 4)
  await strict.stop()
  await given(t, 'right', port)
  await until('the news are heard', () => {
    connection.publish('news', 'all is well')
    return heard.length > 0
  })
  assert.equal(heard[0], 'all is well')
})

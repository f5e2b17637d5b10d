import assert from 'node:assert/strict'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import type { z } from 'zod'
import { type NatsBrokerConfig, type RunningNatsBroker, startNatsBroker } from './index.ts'
import { RawClient } from './testing/raw-client.ts'
import { unusedPort } from './testing/unused-port.ts'

const DEADLINE_IN_MS = 60_000
/** However long the machine stands still. */
const neverLate = { writeDeadlineInSeconds: 600 }

/** Kernels and containers may have IPv6 turned off. */
function whyNoIpv6(): string | false {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return !addresses.some(({ address }) => address === '::1') && 'this machine has no IPv6'
}

interface LogLine {
  readonly level: number
  readonly msg: string
  readonly reason?: string
  readonly detail?: string
}

/** Runs a test with a broker on a free port, and hands it what the broker logs. */
async function withBroker(
  config: z.input<typeof NatsBrokerConfig>,
  run: (broker: RunningNatsBroker, log: readonly LogLine[]) => Promise<void>,
): Promise<void> {
  const log: LogLine[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) })
  const broker = await startNatsBroker({ port: 0, ...config }, { logger })
  try {
    await run(broker, log)
  } finally {
    await broker.stop()
  }
}

async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + DEADLINE_IN_MS; !isSo(); ) {
    if (performance.now() > deadline) throw new Error(`not within ${DEADLINE_IN_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('startNatsBroker', () => {
  test('says what was malformed, to the client and in the log', () =>
    withBroker({}, async (broker, log) => {
      const client = await RawClient.join(broker.addresses.nats)
      client.send('PUB a x\r\n')
      assert.equal(await client.closed(), "-ERR 'Parser Error'\r\n")
      const line = log.find((it) => it.reason === 'Parser Error')
      assert.equal(line?.detail, 'PUB: bad size')
    }))

  test('logs no password, not even of a CONNECT that it can not read', () =>
    withBroker({ user: 'u', password: 'p' }, async (broker, log) => {
      for (const sends of ['CONNECT {"user":"u","pass":"hunter2"}\r\n', 'CONNECT {"pass":"hunter2"\r\n']) {
        const client = await RawClient.connect(broker.addresses.nats)
        await client.info()
        client.send(sends)
        await client.closed()
      }
      assert.ok(log.some((it) => it.reason === 'Authorization Violation'))
      assert.ok(log.some((it) => it.reason === 'Parser Error'))
      assert.doesNotMatch(JSON.stringify(log), /hunter2/)
    }))

  test('counts connections, subscriptions and messages', () =>
    withBroker({}, async (broker) => {
      assert.deepEqual(broker.statistics, {
        ...{ connections: 0, totalConnections: 0, subscriptions: 0, slowConsumers: 0 },
        ...{ messagesIn: 0, bytesIn: 0, messagesOut: 0, bytesOut: 0 },
      })
      const [one, other] = [await RawClient.join(broker.addresses.nats), await RawClient.join(broker.addresses.nats)]
      one.send('SUB a 1\r\nSUB a 2\r\nSUB b 3\r\nUNSUB 3\r\n')
      await one.answers()
      other.send('SUB > 1\r\nPUB a 3\r\nabc\r\nPUB x 2\r\nxy\r\nPUB y..y 0\r\n\r\n')
      await other.answers()
      const before = broker.statistics
      assert.deepEqual(before, {
        ...{ connections: 2, totalConnections: 2, subscriptions: 3, slowConsumers: 0 },
        ...{ messagesIn: 3, bytesIn: 5, messagesOut: 4, bytesOut: 11 },
      })
      one.close()
      await eventually('the connection is gone', () => broker.statistics.connections === 1)
      assert.equal(broker.statistics.subscriptions, 1)
      assert.equal(broker.statistics.totalConnections, 2)
      assert.equal(before.connections, 2, 'a snapshot does not change')
      other.close()
    }))

  test('drops a slow consumer at its pending limit long before the write deadline, and counts it', () =>
    withBroker({ maxPendingInBytes: 256 * 1024, maxPayloadInBytes: 200_000, ...neverLate }, async (broker, log) => {
      const slow = await RawClient.join(broker.addresses.nats)
      slow.send('SUB a 1\r\nSUB b 2\r\n')
      await slow.answers()
      slow.socket.pause()
      const publisher = await RawClient.join(broker.addresses.nats)
      const message = Buffer.from(`PUB a 200000\r\n${'x'.repeat(200_000)}\r\n`)
      // However much the sockets between them hold.
      for (let i = 0; i < 5000 && broker.statistics.slowConsumers === 0; i++) {
        publisher.send(message)
        await publisher.answers()
      }
      assert.equal(broker.statistics.slowConsumers, 1)
      assert.equal(broker.statistics.subscriptions, 0)
      assert.equal(broker.statistics.connections, 1)
      assert.match(log.find((it) => it.msg === 'slow consumer dropped')?.detail ?? '', /^\d+ bytes pending$/)
      publisher.close()
      slow.close()
    }))

  test('slows a publisher down rather than drop a reader that is only behind', () =>
    withBroker({ maxPendingInBytes: 4 * 1024 * 1024, maxPayloadInBytes: 1000, ...neverLate }, async (broker) => {
      const reader = await RawClient.join(broker.addresses.nats)
      reader.send('SUB a 1\r\n')
      await reader.answers()
      const publisher = await RawClient.join(broker.addresses.nats)
      const payloads = Array.from({ length: 20_000 }, (_, i) => ` 1000\r\n${`${i} `.padEnd(1000, 'x')}\r\n`)
      // Takes a part, then nothing for a moment: slower than the publisher, but never stuck.
      reader.socket.on('data', () => {
        reader.socket.pause()
        setTimeout(() => reader.socket.resume(), 1)
      })
      for (let sent = 0; sent < payloads.length; sent += 100) {
        const batch = payloads.slice(sent, sent + 100).map((payload) => `PUB a${payload}`)
        if (!publisher.socket.write(batch.join(''))) await once(publisher.socket, 'drain')
      }
      const expected = payloads.map((payload) => `MSG a 1${payload}`).join('')
      assert.ok((await reader.answersOf(expected.length)) === expected)
      assert.equal(broker.statistics.slowConsumers, 0)
      reader.close()
      publisher.close()
    }))

  test('stop delivers what is pending, closes every connection, frees the port and may be called twice', async () => {
    const broker = await startNatsBroker({ port: await unusedPort() }, { logger: pino({ level: 'silent' }) })
    const { nats } = broker.addresses
    const [client, other] = [await RawClient.join(nats), await RawClient.join(nats)]
    client.send('SUB a 1\r\n')
    await client.answers()
    other.send(`PUB a 100000\r\n${'x'.repeat(100_000)}\r\n`)
    await other.answers()
    await Promise.all([broker.stop(), broker.stop()])
    await broker.stop()
    assert.equal(await client.closed(), `MSG a 1 100000\r\n${'x'.repeat(100_000)}\r\n`)
    await other.closed()
    const again = await startNatsBroker({ port: Number(new URL(nats).port) }, { logger: pino({ level: 'silent' }) })
    await again.stop()
  })

  test('stop does not wait for a client that reads nothing and never closes', async () => {
    const broker = await startNatsBroker({ port: 0 }, { logger: pino({ level: 'silent' }) })
    const stuck = await RawClient.join(broker.addresses.nats)
    stuck.send('SUB a 1\r\n')
    await stuck.answers()
    stuck.socket.pause()
    const publisher = await RawClient.join(broker.addresses.nats)
    for (let i = 0; i < 20; i++) publisher.send(`PUB a 1000000\r\n${'x'.repeat(1_000_000)}\r\n`)
    await publisher.answers()
    await broker.stop()
    stuck.close()
  })

  test('fails with the reason when the port is taken', () =>
    withBroker({}, async (broker) => {
      const port = Number(new URL(broker.addresses.nats).port)
      await assert.rejects(startNatsBroker({ port }, { logger: pino({ level: 'silent' }) }), (error: Error) => {
        assert.equal(error.name, 'NatsBrokerStartError')
        assert.match(error.message, new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`))
        assert.equal((error.cause as NodeJS.ErrnoException).code, 'EADDRINUSE')
        return true
      })
    }))

  test('listens on IPv6 when told so, with an address that clients understand', { skip: whyNoIpv6() }, async () => {
    const broker = await startNatsBroker({ host: '::1', port: 0 }, { logger: pino({ level: 'silent' }) })
    assert.match(broker.addresses.nats, /^nats:\/\/\[::1\]:\d+$/)
    await broker.stop()
  })

  const badConfigs: readonly (readonly [title: string, config: object, message: RegExp])[] = [
    ['a user without a password', { user: 'u' }, /given together or not at all/],
    ['a password without a user', { password: 'p' }, /given together or not at all/],
    ['an unknown field', { prot: 4222 }, /prot/],
    ['a port that is none', { port: 70_000 }, /port/],
    ['less pending than one payload', { maxPendingInBytes: 10 }, /must be at least maxPayloadInBytes/],
    ['a control line deeper than the tree can be', { maxControlLineInBytes: 1_000_000 }, /maxControlLineInBytes/],
  ]
  for (const [title, config, message] of badConfigs)
    test(`refuses ${title}`, async () => {
      await assert.rejects(
        startNatsBroker(config),
        (error: Error) => error.name === 'ZodError' && message.test(error.message),
      )
    })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { RawClient } from '../testing/raw-client.ts'
import { type Target, withServer } from './target.ts'

/** Does it again as long as the server has closed the connection for this reason: this machine may have stood still. At most a minute. */
async function unlessLate<T>(reason: string, attempt: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + 60_000; ; ) {
    try {
      return await attempt()
    } catch (error) {
      if (!String(error).includes(reason) || performance.now() > deadline) throw error
    }
  }
}

/** What the configuration bounds, and who may join. */
export function limitsConformance(target: Target): void {
  describe('limits', () => {
    test('a payload of the largest size passes and one byte more ends the connection', () =>
      withServer(target, { maxPayloadInBytes: 1000 }, async (address) => {
        const client = await RawClient.connect(address)
        assert.equal((await client.info()).max_payload, 1000)
        client.send(`CONNECT {"verbose":false,"headers":true}\r\nSUB a 1\r\nPUB a 1000\r\n${'x'.repeat(1000)}\r\n`)
        assert.equal(await client.answers(), `MSG a 1 1000\r\n${'x'.repeat(1000)}\r\n`)
        client.send('PUB a 1001\r\n')
        assert.equal(await client.closed(), "-ERR 'Maximum Payload Violation'\r\n")
        const other = await RawClient.join(address)
        other.send('HPUB a 500 1001\r\n')
        assert.equal(await other.closed(), "-ERR 'Maximum Payload Violation'\r\n")
      }))

    test('a control line that is too long ends the connection, whether it ends or not', () =>
      withServer(target, { maxControlLineInBytes: 256 }, async (address) => {
        const subject = 'a'.repeat(256 - ' 1'.length)
        const client = await RawClient.join(address)
        client.send(`SUB ${subject} 1\r\nPUB ${subject} 1\r\nx\r\n`)
        assert.equal(await client.answers(), `MSG ${subject} 1 1\r\nx\r\n`)
        client.send(`SUB ${subject}a 1\r\n`)
        assert.equal(await client.closed(), "-ERR 'maximum control line exceeded'\r\n")
        const other = await RawClient.join(address)
        other.send(`PUB ${'a'.repeat(300)}`)
        assert.equal(await other.closed(), "-ERR 'maximum control line exceeded'\r\n")
      }))

    test('one connection too many is told so and closed', () =>
      withServer(target, { maxConnections: 2 }, async (address) => {
        const [first, second] = [await RawClient.join(address), await RawClient.join(address)]
        await first.answers()
        await second.answers()
        const third = await RawClient.connect(address)
        await third.info()
        assert.equal(await third.closed(), "-ERR 'maximum connections exceeded'\r\n")
        assert.equal(await first.answers(), '')
        second.close()
        // The place is free as soon as the server has noticed.
        let joined = false
        for (const deadline = performance.now() + 60_000; !joined && performance.now() < deadline; ) {
          const fourth = await RawClient.join(address)
          joined = await fourth.answers().then(
            () => true,
            () => false,
          )
          fourth.close()
        }
        assert.ok(joined)
        first.close()
      }))

    test('a silent client is asked twice and then disconnected', () =>
      withServer(target, { pingIntervalInSeconds: 0.1 }, async (address) => {
        const client = await RawClient.join(address)
        assert.equal(await client.closed({ withPings: true }), "PING\r\nPING\r\n-ERR 'Stale Connection'\r\n")
      }))

    test('a client that answers PING stays', () =>
      // Asked more often than may remain unanswered. Where the machine stood still too long for the answers, another is tried.
      withServer(target, { pingIntervalInSeconds: 0.1, maxUnansweredPings: 10 }, (address) =>
        unlessLate('Stale Connection', async () => {
          const client = await RawClient.join(address)
          for (let i = 0; i < 12; i++) {
            await client.until('PING\r\n')
            client.send('PONG\r\n')
          }
          assert.equal(await client.answers(), '')
          client.close()
        }),
      ))

    test('a reader that takes nothing loses its connection when too much is pending, and nobody else does', () =>
      // The quick one is late as well where this process stands still for three seconds; then it is tried again.
      withServer(target, { maxPendingInBytes: 1024 * 1024, writeDeadlineInSeconds: 3 }, (address) =>
        unlessLate('closed before', async () => {
          const slow = await RawClient.join(address)
          const quick = await RawClient.join(address)
          slow.send('SUB a 1\r\n')
          quick.send('SUB a 1\r\n')
          await slow.answers()
          await quick.answers()
          slow.socket.pause()
          const publisher = await RawClient.join(address)
          // Two of these are more than may be pending, so that slowing the publisher down can't help the slow one.
          const [count, size] = [50, 600_000]
          const payload = ` ${size}\r\n${'x'.repeat(size)}\r\n`
          for (let i = 0; i < count; i++) {
            publisher.send(`PUB a${payload}`)
            assert.equal((await quick.until(payload)).replaceAll('PING\r\n', ''), 'MSG a 1')
          }
          const whole = `MSG a 1${payload}`.repeat(count)
          slow.socket.resume()
          const rest = await slow.closed()
          assert.ok(rest.length > 0 && rest.length < whole.length && whole.startsWith(rest), `${rest.length}`)
          quick.close()
          publisher.close()
        }),
      ))

    test('a reader that takes nothing loses its connection at the write deadline', () =>
      withServer(target, { writeDeadlineInSeconds: 0.3 }, async (address) => {
        const slow = await RawClient.join(address)
        slow.send('SUB a 1\r\n')
        await slow.answers()
        slow.socket.pause()
        const publisher = await RawClient.join(address, { no_responders: true })
        publisher.send('SUB inbox 1\r\n')
        const message = Buffer.from(`PUB a 100000\r\n${'x'.repeat(100_000)}\r\n`)
        for (let i = 0; i < 200; i++) if (!publisher.socket.write(message)) await once(publisher.socket, 'drain')
        let answer = ''
        for (const deadline = performance.now() + 60_000; answer === '' && performance.now() < deadline; ) {
          publisher.send('PUB a inbox 0\r\n\r\n')
          answer = await publisher.answers()
        }
        assert.match(answer, / 503/)
        slow.socket.resume()
        await slow.closed()
        publisher.close()
      }))
  })

  describe('user and password', () => {
    const config = { user: 'nats', password: 's3cret', authTimeoutInSeconds: 60 }

    const refusals: readonly (readonly [title: string, sends: string])[] = [
      ['a wrong password', 'CONNECT {"user":"nats","pass":"wrong"}\r\n'],
      ['a wrong user', 'CONNECT {"user":"root","pass":"s3cret"}\r\n'],
      ['neither', 'CONNECT {}\r\n'],
      ['an empty password', 'CONNECT {"user":"nats","pass":""}\r\n'],
      ['an operation before CONNECT', 'PING\r\n'],
      ['a message before CONNECT', 'PUB a 1\r\nx\r\n'],
    ]
    for (const [title, sends] of refusals)
      test(`${title} is an Authorization Violation`, () =>
        withServer(target, config, async (address) => {
          const client = await RawClient.connect(address)
          assert.equal((await client.info()).auth_required, true)
          client.send(sends)
          assert.equal(await client.closed(), "-ERR 'Authorization Violation'\r\n")
        }))

    test('the right ones join, and stay when the time for CONNECT is over', () =>
      withServer(target, { ...config, authTimeoutInSeconds: 2 }, async (address) => {
        const client = await unlessLate('Authentication Timeout', async () => {
          const joined = await RawClient.join(address, { user: 'nats', pass: 's3cret' })
          joined.send('SUB a 1\r\nPUB a 2\r\nhi\r\n')
          assert.equal(await joined.answers(), 'MSG a 1 2\r\nhi\r\n')
          return joined
        })
        const silent = await RawClient.connect(address)
        await silent.info()
        await silent.closed()
        assert.equal(await client.answers(), '')
        client.close()
      }))

    test('a second CONNECT with a wrong password ends the connection', () =>
      withServer(target, config, async (address) => {
        const client = await RawClient.join(address, { user: 'nats', pass: 's3cret' })
        await client.answers()
        client.send('CONNECT {"user":"nats","pass":"wrong"}\r\n')
        assert.equal(await client.closed(), "-ERR 'Authorization Violation'\r\n")
      }))

    test('a client that says nothing is closed with Authentication Timeout', () =>
      withServer(target, { ...config, authTimeoutInSeconds: 0.2 }, async (address) => {
        const client = await RawClient.connect(address)
        await client.info()
        assert.equal(await client.closed(), "-ERR 'Authentication Timeout'\r\n")
      }))
  })
}

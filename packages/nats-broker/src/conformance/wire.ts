import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RunningNatsServer } from '../testing/nats-server.ts'
import { RawClient } from '../testing/raw-client.ts'
import { type Target, withServer } from './target.ts'
import { alone, answered, type Exchange, header, hpub, malformed, refused } from './wire-exchanges.ts'

/** The protocol in literal bytes. */
export function wireConformance(target: Target): void {
  describe('in literal bytes', () => {
    let server: RunningNatsServer
    let client: RawClient
    before(async () => {
      server = await target.start()
    })
    after(() => server.stop())

    const exchange = async (given: Pick<Exchange, 'options' | 'sends'>, address = server.addresses.nats) => {
      client = await RawClient.join(address, given.options)
      client.send(given.sends)
    }

    for (const given of answered)
      test(given.title, async () => {
        await exchange(given)
        assert.equal(await client.answers(), given.expects)
        client.close()
      })

    for (const given of alone)
      test(given.title, () =>
        withServer(target, {}, async (address) => {
          await exchange(given, address)
          assert.equal(await client.answers(), given.expects)
          client.close()
        }),
      )

    for (const given of refused)
      test(`ends the connection after ${given.title}`, async () => {
        await exchange(given)
        assert.equal(await client.closed(), given.expects)
      })

    for (const [title, sends] of malformed)
      test(`ends the connection after ${title}`, async () => {
        await exchange({ sends })
        assert.equal((await client.closed()).replace("-ERR 'Parser Error'\r\n", ''), '')
      })

    test('greets with INFO that says what a client must know', async () => {
      const first = await RawClient.connect(server.addresses.nats)
      const info = await first.info()
      assert.equal(info.proto, 1)
      assert.equal(info.headers, true)
      assert.equal(info.max_payload, 1024 * 1024)
      assert.equal(info.host, '127.0.0.1')
      assert.equal(info.port, Number(new URL(server.addresses.nats).port))
      assert.equal(info.client_ip, '127.0.0.1')
      assert.equal(info.auth_required, undefined)
      assert.match(String(info.version), /^2\.\d+\.\d+$/)
      assert.match(String(info.server_id), /^N[A-Z0-9]{55}$/)
      const second = await RawClient.connect(server.addresses.nats)
      const next = await second.info()
      assert.equal(next.server_id, info.server_id)
      assert.ok(Number(next.client_id) > Number(info.client_id))
      first.close()
      second.close()
    })

    test('serves a client that never sends CONNECT as a verbose one', async () => {
      client = await RawClient.connect(server.addresses.nats)
      await client.info()
      client.send('SUB a 1\r\nPUB a 2\r\nhi\r\n')
      assert.equal(await client.answers(), '+OK\r\n+OK\r\nMSG a 1 2\r\nhi\r\n')
      client.close()
    })

    test('understands a session that comes one byte at a time', async () => {
      client = await RawClient.join(server.addresses.nats)
      for (const byte of `SUB a.* q 1\r\nPUB a.b r 2\r\nhi\r\n${hpub('a.c', 'ho')}PUB a.d 0\r\n\r\n`) client.send(byte)
      assert.equal(
        await client.answers(),
        `MSG a.b 1 r 2\r\nhi\r\nHMSG a.c 1 18 20\r\n${header}ho\r\nMSG a.d 1 0\r\n\r\n`,
      )
      client.close()
    })

    test('leaves the headers out for a subscriber that has none', async () => {
      const old = await RawClient.join(server.addresses.nats, { headers: false })
      old.send('SUB a 1\r\nSUB b 2\r\n')
      await old.answers()
      client = await RawClient.join(server.addresses.nats)
      client.send(hpub('a', 'hi', 'r ') + hpub('b', ''))
      await client.answers()
      assert.equal(await old.answers(), 'MSG a 1 r 2\r\nhi\r\nMSG b 2 0\r\n\r\n')
      old.close()
      client.close()
    })

    test('answers what was asked by a client that has already closed its side', async () => {
      client = await RawClient.join(server.addresses.nats)
      // As large as a socket read, so that the server may see the end together with the message.
      const size = 64 * 1024 - 'SUB a 1\r\nPUB a 65000\r\n\r\nPING\r\n'.length
      client.socket.end(`SUB a 1\r\nPUB a ${size}\r\n${'x'.repeat(size)}\r\nPING\r\n`)
      assert.equal(await client.closed(), `MSG a 1 ${size}\r\n${'x'.repeat(size)}\r\nPONG\r\n`)
    })
  })
}

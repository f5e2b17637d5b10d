import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RunningNatsServer } from '../testing/nats-server.ts'
import { RawClient } from '../testing/raw-client.ts'
import type { Target } from './target.ts'

/** Who gets a message, between several clients. */
export function routingConformance(target: Target): void {
  describe('between clients', () => {
    let server: RunningNatsServer
    let publisher: RawClient
    const clients: RawClient[] = []

    /** A client with subscriptions that the server has taken. */
    const subscriber = async (...operations: string[]) => {
      const client = await RawClient.join(server.addresses.nats)
      clients.push(client)
      client.send(operations.map((operation) => `${operation}\r\n`).join(''))
      await client.answers()
      return client
    }
    /** Publishes each subject with itself as the payload and waits until the server has passed them on. */
    const publish = async (...subjects: string[]) => {
      publisher.send(subjects.map((subject) => `PUB ${subject} ${subject.length}\r\n${subject}\r\n`).join(''))
      await publisher.answers()
    }
    /** The subjects of all messages that the client has got, by sid. */
    const got = async (client: RawClient) =>
      [...(await client.answers()).matchAll(/^MSG (\S+) (\S+) /gm)].map(([, subject, sid]) => `${sid}: ${subject}`)

    before(async () => {
      // Readers that pause are no slower than a machine that stands still for a while.
      server = await target.start({ writeDeadlineInSeconds: 600 })
      publisher = await RawClient.join(server.addresses.nats)
    })
    after(async () => {
      for (const client of [publisher, ...clients]) client.close()
      await server.stop()
    })

    test('* stands for exactly one token', async () => {
      const client = await subscriber('SUB w1.*.x 1', 'SUB w1.* 2', 'SUB * 3')
      await publish('w1', 'w1.a', 'w1.a.x', 'w1.b.x', 'w1.a.y', 'w1.a.x.z')
      assert.deepEqual(await got(client), ['3: w1', '2: w1.a', '1: w1.a.x', '1: w1.b.x'])
    })

    test('> stands for one token or more', async () => {
      const client = await subscriber('SUB w2.> 1', 'SUB w2.a.> 2')
      await publish('w2', 'w2.b', 'w2.b.c.d', 'other.w2')
      assert.deepEqual(await got(client), ['1: w2.b', '1: w2.b.c.d'])
      await publish('w2.a.b')
      assert.deepEqual((await got(client)).sort(), ['1: w2.a.b', '2: w2.a.b'])
    })

    test('each subscription of one client gets the message', async () => {
      const client = await subscriber('SUB w3 1', 'SUB w3 22')
      await publish('w3')
      assert.deepEqual((await got(client)).sort(), ['1: w3', '22: w3'])
    })

    test('subjects differ in the case of their letters', async () => {
      const client = await subscriber('SUB case.A 1')
      await publish('case.a', 'CASE.A', 'case.A')
      assert.deepEqual(await got(client), ['1: case.A'])
    })

    test('a queue group gets each message once, and all its members take part', async () => {
      const members = [await subscriber('SUB q1 g 1'), await subscriber('SUB q1 g 2'), await subscriber('SUB q1 g 3')]
      await publish(...new Array<string>(300).fill('q1'))
      const counts = []
      for (const member of members) counts.push((await got(member)).length)
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        300,
      )
      // Each member is drawn with 1/3: 40 or fewer of 300 has a probability below 1e-13.
      for (const count of counts) assert.ok(count > 40, `${counts}`)
    })

    test('members of one group that subscribed through different subjects are one group', async () => {
      const one = await subscriber('SUB q2.* g 1')
      const other = await subscriber('SUB q2.> g 2')
      await publish(...new Array<string>(100).fill('q2.a'))
      assert.equal((await got(one)).length + (await got(other)).length, 100)
    })

    test('two groups and plain subscriptions each get the message', async () => {
      const client = await subscriber('SUB q3 1', 'SUB q3 g 2', 'SUB q3 g 3', 'SUB q3 h 4')
      await publish('q3')
      const sids = (await got(client)).map((line) => line[0])
      assert.equal(sids.length, 3)
      assert.ok(sids.includes('1') && sids.includes('4') && (sids.includes('2') || sids.includes('3')), `${sids}`)
    })

    test('the rest of a queue group takes over when a member is gone', async () => {
      const gone = await subscriber('SUB q4 g 1')
      const stays = await subscriber('SUB q4 g 2')
      gone.send('UNSUB 1\r\n')
      await gone.answers()
      await publish(...new Array<string>(20).fill('q4'))
      assert.equal((await got(stays)).length, 20)
    })

    test('a member that does not want its own messages leaves them to the rest of the group', async () => {
      const other = await subscriber('SUB q5 g 1')
      const mute = await RawClient.join(server.addresses.nats, { echo: false })
      clients.push(mute)
      mute.send(`SUB q5 g 1\r\n${'PUB q5 0\r\n\r\n'.repeat(20)}`)
      assert.equal(await mute.answers(), '')
      assert.equal((await got(other)).length, 20)
    })

    test('the subscriptions of a client end with its connection', async () => {
      const asker = await RawClient.join(server.addresses.nats, { no_responders: true })
      clients.push(asker)
      asker.send('SUB inbox 1\r\n')
      const responder = await subscriber('SUB gone.> 1')
      asker.send('PUB gone.x inbox 0\r\n\r\n')
      assert.equal(await asker.answers(), '')
      responder.close()
      // The end of the connection travels beside the next message, so the answer changes within a moment.
      let answer = ''
      for (const deadline = performance.now() + 60_000; answer === '' && performance.now() < deadline; ) {
        asker.send('PUB gone.x inbox 0\r\n\r\n')
        answer = await asker.answers()
      }
      assert.match(answer, /^HMSG inbox 1 16 16\r\nNATS\/1\.0 503/)
    })

    test('ten thousand subjects each reach their own subscription', async () => {
      const count = 10_000
      const client = await subscriber(...Array.from({ length: count }, (_, i) => `SUB many.${i % 100}.${i} ${i}`))
      await publish(...Array.from({ length: count }, (_, i) => `many.${i % 100}.${i}`))
      assert.deepEqual(
        await got(client),
        Array.from({ length: count }, (_, i) => `${i}: many.${i % 100}.${i}`),
      )
      client.send(Array.from({ length: count }, (_, i) => `UNSUB ${i}\r\n`).join(''))
      await client.answers()
      await publish('many.1.1', 'many.99.9999')
      assert.deepEqual(await got(client), [])
    })

    test('a subject with as many tokens as fit is matched', async () => {
      const subject = new Array<string>(2000).fill('a').join('.')
      const client = await subscriber(`SUB ${subject} 1`, 'SUB a.> 2')
      await publish(subject)
      assert.deepEqual((await got(client)).sort(), [`1: ${subject}`, `2: ${subject}`])
      client.send('UNSUB 1\r\n')
      assert.deepEqual(await got(client), [])
    })

    test('messages of all sizes arrive whole and in order at readers that pause', async () => {
      const readers = [await subscriber('SUB order 1'), await subscriber('SUB order 1')]
      const sizes = [0, 1, 47, 48, 49, 1000, 32_765, 32_766, 32_767, 32_768, 65_500, 65_536, 200_000]
      // More than the sockets between hold, and then small ones, so that both wait in the server for the reader that pauses.
      const messages = Array.from({ length: 660 }, (_, i) => {
        const size = i < 600 ? sizes[i % sizes.length] : 10
        const payload = `${i} `.padEnd(size ?? 0, String.fromCharCode(128 + (i % 128)))
        return ` ${payload.length}\r\n${payload}\r\n`
      })
      const [steady, pausing] = readers as [RawClient, RawClient]
      pausing.socket.pause()
      publisher.send(messages.map((message) => `PUB order${message}`).join(''))
      const expected = messages.map((message) => `MSG order 1${message}`).join('')
      assert.ok((await steady.answersOf(expected.length)) === expected)
      pausing.socket.resume()
      assert.ok((await pausing.answersOf(expected.length)) === expected)
      await publisher.answers()
    })
  })
}

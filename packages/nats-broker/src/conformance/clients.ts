import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ConnectionOptions, connect, createInbox, headers, type NatsConnection } from '@nats-io/transport-node'
import type { RunningNatsServer } from '../testing/nats-server.ts'
import { unusedPort } from '../testing/unused-port.ts'
import { type Target, withServer } from './target.ts'

/** A machine that stands still for a while is no fault of the server's. */
const patient = { timeout: 60_000 }

/** What a program sees that uses the official client. */
export function clientConformance(target: Target): void {
  describe('with the official client', () => {
    let server: RunningNatsServer
    let one: NatsConnection
    let other: NatsConnection

    const join = (options: ConnectionOptions = {}) =>
      connect({ servers: server.addresses.nats, ...patient, ...options })

    before(async () => {
      server = await target.start()
      one = await join({ name: 'one' })
      other = await join({ name: 'other' })
    })
    after(async () => {
      await one.close()
      await other.close()
      await server.stop()
    })

    test('a published message reaches the subscribers of other clients and of its own', async () => {
      const subscriptions = [one.subscribe('news.*', { max: 1 }), other.subscribe('news.>', { max: 1 })]
      await other.flush()
      one.publish('news.today', 'rain')
      for (const subscription of subscriptions)
        for await (const message of subscription) {
          assert.equal(message.subject, 'news.today')
          assert.equal(message.string(), 'rain')
        }
    })

    test('a request is answered, with headers both ways', async () => {
      const service = other.subscribe('service', {
        callback: (error, message) => {
          assert.equal(error, null)
          const reply = headers()
          reply.set('seen', message.headers?.get('trace') ?? 'nothing')
          message.respond(message.data.toReversed(), { headers: reply })
        },
      })
      await other.flush()
      const request = headers()
      request.set('trace', '4711')
      const data = Uint8Array.from({ length: 256 }, (_, i) => i)
      const reply = await one.request('service', data, { timeout: 60_000, headers: request })
      assert.deepEqual(Uint8Array.from(reply.data), data.toReversed())
      assert.equal(reply.headers?.get('seen'), '4711')
      service.unsubscribe()
    })

    test('a thousand requests at a time each get their own answer', async () => {
      const service = other.subscribe('echo', { callback: (_, message) => void message.respond(message.data) })
      await other.flush()
      const replies = await Promise.all(
        Array.from({ length: 1000 }, (_, i) => one.request('echo', `${i}`, { timeout: 60_000 })),
      )
      assert.deepEqual(
        replies.map((reply) => reply.string()),
        Array.from({ length: 1000 }, (_, i) => `${i}`),
      )
      service.unsubscribe()
    })

    test('a request that nobody listens to fails at once', async () => {
      await assert.rejects(one.request('nobody.there', '', { timeout: 60_000 }), /no responders: 'nobody.there'/)
      await assert.rejects(one.request('nobody.there', '', { timeout: 60_000, noMux: true }), /no responders/)
    })

    test('one request may have many replies', async () => {
      const inbox = createInbox()
      const replies = one.subscribe(inbox, { max: 3 })
      const services = [one, other, other].map((client) =>
        client.subscribe('find', { callback: (_, message) => void message.respond('here') }),
      )
      await one.flush()
      await other.flush()
      one.publish('find', '', { reply: inbox })
      let count = 0
      for await (const reply of replies) if (reply.string() === 'here') count++
      assert.equal(count, 3)
      for (const service of services) service.unsubscribe()
    })

    test('a client without echo does not hear itself', async () => {
      const mute = await join({ noEcho: true })
      const own = mute.subscribe('mute')
      const theirs = other.subscribe('mute', { max: 1 })
      await other.flush()
      mute.publish('mute', 'hi')
      for await (const message of theirs) assert.equal(message.string(), 'hi')
      await mute.flush()
      assert.equal(own.getReceived(), 0)
      await mute.close()
    })

    test('the largest message passes unchanged to several subscribers', async () => {
      const data = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) % 256)
      const subscriptions = [one, one, other].map((client) => client.subscribe('large', { max: 1 }))
      await one.flush()
      await other.flush()
      one.publish('large', data)
      for (const subscription of subscriptions)
        for await (const message of subscription) assert.ok(Buffer.from(data).equals(message.data))
    })

    test('draining delivers what is on its way', async () => {
      const draining = await join()
      let count = 0
      draining.subscribe('drain', { callback: () => void count++ })
      await draining.flush()
      for (let i = 0; i < 500; i++) one.publish('drain')
      await one.flush()
      await draining.drain()
      assert.equal(count, 500)
    })

    test('a verbose and pedantic client works the same', async () => {
      const verbose = await join({ verbose: true, pedantic: true })
      const subscription = verbose.subscribe('verbose', { max: 2 })
      verbose.publish('verbose', 'a')
      verbose.publish('verbose', 'b')
      const texts = []
      for await (const message of subscription) texts.push(message.string())
      assert.deepEqual(texts, ['a', 'b'])
      await verbose.close()
    })

    test('a wrong password is an authorization error', () =>
      withServer(target, { user: 'u', password: 'p' }, async (address) => {
        await assert.rejects(
          connect({ servers: address, user: 'u', pass: 'x', reconnect: false, ...patient }),
          (error: Error) => error.name === 'AuthorizationError' && /Authorization Violation/i.test(error.message),
        )
        await assert.rejects(connect({ servers: address, reconnect: false, ...patient }), {
          name: 'AuthorizationError',
        })
        const client = await connect({ servers: address, user: 'u', pass: 'p', ...patient })
        await client.flush()
        await client.close()
      }))

    test('clients come back with their subscriptions after a restart on the same port', async () => {
      const port = await unusedPort()
      const first = await target.start({ port })
      const servers = first.addresses.nats
      const options = { servers, reconnectTimeWait: 20, maxReconnectAttempts: -1, ...patient }
      const [publisher, subscriber] = [await connect(options), await connect(options)]
      const subscription = subscriber.subscribe('after', { max: 1 })
      await subscriber.flush()
      const back = Promise.all([reconnected(publisher), reconnected(subscriber)])
      await first.stop()
      const second = await target.start({ port })
      await back
      await subscriber.flush()
      publisher.publish('after', 'hello again')
      for await (const message of subscription) assert.equal(message.string(), 'hello again')
      await publisher.close()
      await subscriber.close()
      await second.stop()
    })
  })
}

async function reconnected(client: NatsConnection): Promise<void> {
  for await (const status of client.status()) if (status.type === 'reconnect') return
  throw new Error('the client was closed before it reconnected')
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogBatch } from '@vcap/protocol'
import { LogPublisher } from './log-publisher.ts'

describe('the log publisher', () => {
  const open = (flush: () => Promise<void> = async () => undefined) => {
    const batches: LogBatch[] = []
    let dropped = 0
    const publisher = new LogPublisher(
      {
        publish: (_subject, payload) => void batches.push(LogBatch.parse(JSON.parse(payload))),
        flush,
        dropped: (envelopes) => {
          dropped += envelopes
        },
      },
      1_000_000,
    )
    return { publisher, batches, dropped: () => dropped }
  }

  it('sends lines together, in order, each with a later timestamp than the one before', () => {
    const { publisher, batches } = open()
    for (let index = 0; index < 1000; index++) publisher.log('app', '0', {}, 'OUT', String(index))
    publisher.flush()
    const envelopes = batches.flatMap(({ batch }) => batch)
    assert.deepEqual(
      envelopes.map(({ log }) => Buffer.from(log?.payload ?? '', 'base64').toString()),
      Array.from({ length: 1000 }, (_, index) => String(index)),
    )
    for (const [index, { timestamp }] of envelopes.entries())
      assert.ok(index === 0 || BigInt(timestamp) > BigInt(envelopes[index - 1]?.timestamp ?? 0))
  })

  it('never sends more at once than a broker takes', () => {
    const { publisher, batches } = open()
    for (let index = 0; index < 100; index++) publisher.log('app', '0', {}, 'OUT', 'x'.repeat(60_000))
    publisher.flush()
    assert.ok(batches.length > 5)
    for (const batch of batches) assert.ok(JSON.stringify(batch).length < 1024 ** 2)
  })

  it('drops what comes while a broker that is away has too much to take, and goes on after that', async () => {
    const waiting: (() => void)[] = []
    const { publisher, batches, dropped } = open(() => new Promise((resolve) => waiting.push(resolve)))
    for (let index = 0; index < 1000; index++) publisher.log('app', '0', {}, 'OUT', 'x'.repeat(60_000))
    publisher.flush()
    const sent = batches.flatMap(({ batch }) => batch).length
    assert.equal(sent + dropped(), 1000)
    assert.ok(dropped() > 100)
    for (const resolve of waiting) resolve()
    await new Promise((resolve) => setImmediate(resolve))
    publisher.log('app', '0', {}, 'OUT', 'again')
    publisher.flush()
    assert.equal(batches.at(-1)?.batch.length, 1)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogEnvelope } from '@vcap/protocol'
import { EnvelopeStore, firstOf, type StoreLimits } from './envelope-store.ts'
import { type EnvelopeType, type StoredEnvelope, sizeInBytes, toStored } from './stored-envelope.ts'

const everything = { start: -(2n ** 63n), end: 2n ** 63n - 1n, descending: false, types: new Set<EnvelopeType>() }

function storeOf(limits: Partial<StoreLimits> = {}): EnvelopeStore {
  return new EnvelopeStore({
    maxEnvelopesPerSource: 1000,
    maxBytesPerSource: 1_000_000,
    maxBytesInTotal: 1_000_000,
    ...limits,
  })
}

function line(timestamp: number, text = ''): StoredEnvelope {
  return { timestamp: BigInt(timestamp), type: 'LOG', json: text }
}

const times = (envelopes: Iterable<StoredEnvelope>) => [...envelopes].map(({ timestamp }) => Number(timestamp))

describe('envelope store', () => {
  it('keeps the order of time, whatever the order of arrival', () => {
    const store = storeOf()
    for (const timestamp of [30, 10, 20, 40, 5, 35]) store.put('app', line(timestamp))
    assert.deepEqual(times(store.read('app', everything)), [5, 10, 20, 30, 35, 40])
    assert.deepEqual(times(store.read('app', { ...everything, descending: true })), [40, 35, 30, 20, 10, 5])
    assert.deepEqual(times(store.read('other', everything)), [])
  })

  it('keeps the order of arrival within a nanosecond', () => {
    const store = storeOf()
    for (const text of ['a', 'b', 'c']) store.put('app', line(1, text))
    assert.deepEqual(
      [...store.read('app', everything)].map(({ json }) => json),
      ['a', 'b', 'c'],
    )
  })

  it('reads from the start on and up to before the end', () => {
    const store = storeOf()
    for (const timestamp of [1, 2, 3, 4]) store.put('app', line(timestamp))
    assert.deepEqual(times(store.read('app', { ...everything, start: 2n, end: 4n })), [2, 3])
    assert.deepEqual(times(store.read('app', { ...everything, start: 2n, end: 4n, descending: true })), [3, 2])
  })

  it('keeps only the newest of a source, and counts what it dropped', () => {
    const store = storeOf({ maxEnvelopesPerSource: 100 })
    for (let timestamp = 1; timestamp <= 1000; timestamp++) store.put('app', line(timestamp))
    store.put('app', line(5))
    assert.deepEqual(
      times(store.read('app', everything)),
      Array.from({ length: 100 }, (_, i) => 901 + i),
    )
    assert.deepEqual(
      [...store.meta()],
      [['app', { count: 100, expired: 901, oldestTimestamp: 901n, newestTimestamp: 1000n }]],
    )
  })

  it('keeps within the bytes of a source and of all, and knows how many it holds', () => {
    const size = sizeInBytes(line(1, 'x'.repeat(100)))
    const store = storeOf({ maxBytesPerSource: 10 * size, maxBytesInTotal: 25 * size })
    const fill = (source: string, count: number) => {
      for (let i = 1; i <= count; i++) store.put(source, line(i, 'x'.repeat(100)))
    }
    const counts = () => Object.fromEntries([...store.meta()].map(([source, { count }]) => [source, count]))
    fill('a', 20)
    assert.deepEqual(counts(), { a: 10 })
    fill('b', 10)
    assert.deepEqual(times(store.read('a', everything)).length, 10, 'a read is a use')
    fill('c', 10)
    assert.deepEqual(counts(), { b: 5, a: 10, c: 10 }, 'b was longest not used')
    fill('d', 10)
    assert.deepEqual(counts(), { a: 5, c: 10, d: 10 })
    assert.equal(store.bytes, 25 * size)
  })

  it('holds not even one envelope that is larger than all may be', () => {
    const store = storeOf({ maxBytesPerSource: 500, maxBytesInTotal: 1000 })
    store.put('a', line(1, 'x'.repeat(5000)))
    assert.equal(store.bytes, 0)
    assert.deepEqual([...store.meta()], [])
  })
})

describe('the first of many envelopes', () => {
  it('includes all of the last nanosecond, so that a reader who goes on behind it misses none', () => {
    const envelopes = [1, 2, 2, 2, 3].map((timestamp) => line(timestamp))
    assert.deepEqual(times(firstOf(envelopes, 2)), [1, 2, 2, 2])
    assert.deepEqual(times(firstOf(envelopes, 1)), [1])
    assert.deepEqual(times(firstOf(envelopes, 99)), [1, 2, 2, 2, 3])
  })
})

describe('an envelope to be stored', () => {
  const envelope = (fields: object) => LogEnvelope.parse({ timestamp: '1', source_id: 'app', ...fields })

  it('is answered with all fields of its message type and no other', () => {
    const fields = { tags: { source_type: 'STG' }, unknown: 1, log: { payload: 'aGk=', type: 'ERR', unknown: 2 } }
    assert.deepEqual(JSON.parse(toStored(envelope(fields))?.json ?? ''), {
      timestamp: '1',
      source_id: 'app',
      instance_id: '',
      deprecated_tags: {},
      tags: { source_type: 'STG' },
      log: { payload: 'aGk=', type: 'ERR' },
    })
  })

  it('has one message at most', () => {
    const event = { title: 't', body: 'b' }
    const stored = toStored(envelope({ event, log: { payload: '', type: 'OUT' } }))
    assert.equal(stored?.type, 'LOG')
    assert.equal('event' in JSON.parse(stored?.json ?? ''), false)
    assert.equal(toStored(envelope({}))?.type, undefined)
  })

  it('is refused where one reader could not decode it, since it would spoil the whole answer', () => {
    assert.equal(toStored(envelope({ log: { payload: 'not base64!', type: 'OUT' } })), undefined)
    assert.equal(toStored(envelope({ timestamp: '9223372036854775808' })), undefined)
    assert.equal(toStored(envelope({ counter: { name: 'n', delta: '-1', total: '1' } })), undefined)
    assert.equal(toStored(envelope({ timer: { name: 'n', start: '1', stop: 'x' } })), undefined)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FairQueue, type Queued } from './fair-queue.ts'

interface Entry extends Queued {
  readonly n: number
}
const everybody = (): boolean => true

describe('the fair queue', () => {
  it('lets clients take turns and keeps the order of each', () => {
    const queue = new FairQueue<Entry>(100, 1)
    const entries = ['a', 'a', 'a', 'b', 'c', 'b'].map((client, n) => ({ client, n, queuedAt: n }))
    for (const entry of entries) queue.push(entry)
    const order = entries.map(() => queue.take(everybody)).map((entry) => `${entry?.client}${entry?.n}`)
    assert.deepEqual(order, ['a0', 'b3', 'c4', 'a1', 'b5', 'a2'])
    assert.equal(queue.take(everybody), undefined)
  })

  it('passes over a client that may not run', () => {
    const queue = new FairQueue<Entry>(100, 1)
    queue.push({ client: 'a', n: 0, queuedAt: 1 })
    queue.push({ client: 'b', n: 1, queuedAt: 2 })
    const notA = (client: string): boolean => client !== 'a'
    assert.equal(queue.oldestQueuedAt(notA), 2)
    assert.equal(queue.oldestQueuedAt(everybody), 1)
    assert.equal(queue.take(notA)?.n, 1)
    assert.equal(queue.take(notA), undefined)
    assert.equal(queue.length, 1)
  })

  it('has room up to its limit, and up to a share of it for each client', () => {
    const queue = new FairQueue<Entry>(3, 0.5)
    const add = (client: string): boolean => {
      const room = queue.hasRoomFor(client)
      if (room) queue.push({ client, n: 0, queuedAt: 0 })
      return room
    }
    assert.deepEqual([add('a'), add('a'), add('a'), add('b'), add('c')], [true, true, false, true, false])
  })

  it('never loses, doubles or reorders an entry, whatever is done to it', () => {
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('push'), client: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ kind: fc.constantFrom('take', 'remove', 'expire'), client: fc.constantFrom('a', 'b', 'c') }),
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = new FairQueue<Entry>(1000, 1)
        let inside: Entry[] = []
        for (const [n, { kind, client }] of operations.entries()) {
          if (kind === 'push') {
            const entry = { client, n, queuedAt: n }
            queue.push(entry)
            inside.push(entry)
          } else if (kind === 'take') {
            const taken = queue.take((each) => each !== client)
            const allowed = inside.filter((each) => each.client !== client)
            assert.equal(taken === undefined, allowed.length === 0)
            if (taken)
              assert.equal(
                taken,
                allowed.find((each) => each.client === taken.client),
              )
            inside = inside.filter((each) => each !== taken)
          } else if (kind === 'remove') {
            const victim = inside.at(-1)
            if (victim) assert.equal(queue.remove(victim), true)
            if (victim) assert.equal(queue.remove(victim), false)
            inside = inside.filter((each) => each !== victim)
          } else {
            const late = queue.takeQueuedBefore(n / 2)
            assert.deepEqual(new Set(late), new Set(inside.filter((each) => each.queuedAt < n / 2)))
            inside = inside.filter((each) => each.queuedAt >= n / 2)
          }
          assert.equal(queue.length, inside.length)
          const oldest = inside.length === 0 ? undefined : Math.min(...inside.map((each) => each.queuedAt))
          assert.equal(queue.oldestQueuedAt(everybody), oldest)
        }
      }),
    )
  })
})

import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { PoolSize } from './pool-size.ts'
import type { PoolThread } from './pool-thread.ts'

const processors = availableParallelism()
const idle = { phase: 'idle', since: 0 } as const
/** Begun in the future, and long ago: it does not matter how slow this machine is. */
const briefly = -60_000
const forLong = 60_000

function busy(count: number, sinceMilliseconds: number): Pick<PoolThread, 'phase' | 'since'>[] {
  return Array.from({ length: count }, () => ({ phase: 'busy', since: performance.now() - sinceMilliseconds }))
}

function given(isSaturated: boolean) {
  return new PoolSize({ growAfterWaitInMilliseconds: 50 }, { isSaturated })
}

test('as long as the processors have time left every thread works, and more are added when tasks wait', () => {
  const size = given(false)
  const threads = new Set([idle, ...busy(processors + 3, briefly)])
  assert.equal(size.mayOneMoreWork(threads), true)
  assert.equal(size.isTooSmall(threads), true)
})

test('processors without time left are shared by as many threads as there are processors', () => {
  const size = given(true)
  assert.equal(size.mayOneMoreWork(new Set([idle, ...busy(processors, briefly)])), false)
  assert.equal(size.mayOneMoreWork(new Set([idle, ...busy(processors - 1, briefly)])), true)
  assert.equal(size.isTooSmall(new Set(busy(processors, briefly))), false)
})

test('threads that have long been at one task keep nobody else from working', () => {
  const size = given(true)
  assert.equal(size.mayOneMoreWork(new Set([idle, ...busy(processors, forLong)])), true)
  assert.equal(size.isTooSmall(new Set(busy(processors + 3, forLong))), true)
  assert.equal(size.areAllStuck(new Set(busy(processors + 3, forLong))), true)
  assert.equal(size.areAllStuck(new Set([...busy(processors, forLong), ...busy(1, briefly)])), false)
  assert.equal(size.areAllStuck(new Set([idle, ...busy(processors, forLong)])), false)
})

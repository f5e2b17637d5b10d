import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { warmAfterTasks } from './idle-threads.ts'
import { PoolSize } from './pool-size.ts'
import type { PoolThread } from './pool-thread.ts'
import { denseTasks } from './traffic.ts'

const processors = availableParallelism()
type Thread = Pick<PoolThread, 'phase' | 'since' | 'tasksFinished'>
const idle: Thread = { phase: 'idle', since: 0, tasksFinished: warmAfterTasks }
const cold: Thread = { ...idle, tasksFinished: warmAfterTasks - 1 }
/** Begun in the future, and long ago: it does not matter how slow this machine is. */
const briefly = -60_000
const forLong = 60_000

function busy(count: number, sinceMilliseconds: number): Thread[] {
  const since = performance.now() - sinceMilliseconds
  return Array.from({ length: count }, () => ({ phase: 'busy', since, tasksFinished: 0 }))
}

function given(isSaturated: boolean) {
  const settings = { minimum: 2, maximum: 20, spares: 3, growAfterWaitInMilliseconds: 50 }
  return new PoolSize(settings, { isSaturated })
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
})

test('one more is missing as soon as all threads are stuck', () => {
  const size = given(true)
  assert.equal(size.isOneMissing(new Set(busy(processors + 3, forLong))), true)
  assert.equal(size.isOneMissing(new Set([...busy(processors, forLong), ...busy(1, briefly)])), false)
  assert.equal(size.isOneMissing(new Set([idle, ...busy(processors, forLong)])), false)
})

test('spares are missing while there is traffic, one after the other as they get warm', () => {
  const size = given(false)
  const threads = (...tail: Thread[]) => new Set([{ ...idle }, { ...idle }, ...tail])
  assert.equal(size.isOneMissing(threads()), false)
  for (let i = 0; i < denseTasks; i++) size.countTask()
  assert.equal(size.wanted, 5)
  assert.equal(size.isOneMissing(threads()), true)
  assert.equal(size.isOneMissing(threads(cold)), false)
  assert.equal(size.isOneMissing(threads({ ...idle }, { ...idle })), true)
  assert.equal(size.isOneMissing(threads({ ...idle }, { ...idle }, { ...idle })), false)
})

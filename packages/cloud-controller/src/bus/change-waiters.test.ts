import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChangeWaiters } from './change-waiters.ts'

test('all who wait for a guid are woken by it, and by no other', async () => {
  const waiters = new ChangeWaiters(10)
  const first = waiters.wait('a', 60_000)
  const second = waiters.wait('a', 60_000)
  const other = waiters.wait('b', 1)
  waiters.notify('c')
  waiters.notify('a')
  assert.deepEqual(await Promise.all([first, second, other]), [true, true, false])
})

test('a change that came before does not count', async () => {
  const waiters = new ChangeWaiters(10)
  waiters.notify('a')
  assert.equal(await waiters.wait('a', 1), false)
})

test('only so many may wait at a time; who is done makes room', async () => {
  const waiters = new ChangeWaiters(1)
  const first = waiters.wait('a', 60_000)
  assert.equal(await waiters.wait('b', 60_000), false)
  waiters.notify('a')
  assert.equal(await first, true)
  const second = waiters.wait('b', 60_000)
  waiters.notify('b')
  assert.equal(await second, true)
})

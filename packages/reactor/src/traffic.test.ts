import assert from 'node:assert/strict'
import { test } from 'node:test'
import { denseTasks, Traffic } from './traffic.ts'

function given() {
  const clock = { now: 0 }
  const traffic = new Traffic(() => clock.now)
  const count = (tasks: number): void => {
    for (let i = 0; i < tasks; i++) traffic.count()
  }
  const isDenseAt = (seconds: number): boolean => {
    clock.now = seconds * 1000
    return traffic.isDense
  }
  return { count, isDenseAt }
}

test('traffic is dense once half a minute had enough tasks, and for half a minute after', () => {
  const { count, isDenseAt } = given()
  count(denseTasks - 1)
  assert.equal(isDenseAt(1), false)
  count(1)
  assert.deepEqual([2, 29, 31, 59, 61].map(isDenseAt), [true, true, true, true, false])
})

test('traffic that comes slowly never gets dense, however long it lasts', () => {
  const { count, isDenseAt } = given()
  for (let second = 0; second < 300; second += 10) {
    count(denseTasks / 5)
    assert.equal(isDenseAt(second), false)
  }
})

test('traffic that was dense before a long silence is not dense after it', () => {
  const { count, isDenseAt } = given()
  count(denseTasks)
  assert.equal(isDenseAt(75), false)
})

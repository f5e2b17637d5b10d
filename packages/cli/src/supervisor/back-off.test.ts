import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackOff } from './back-off.ts'

test('delays double from 0.2 s to 30 s, and begin anew after the component was well for a while', () => {
  const backOff = new BackOff()
  const delays = Array.from({ length: 10 }, () => backOff.next(100))
  assert.deepEqual(delays, [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000])
  assert.equal(backOff.next(31_000), 200)
  assert.equal(backOff.next(0), 400)
})

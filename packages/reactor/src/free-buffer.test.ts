import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeBuffer } from './free-buffer.ts'

test('a buffer that is alone in its memory is emptied, and the process holds that much less', () => {
  const before = process.memoryUsage().arrayBuffers
  const bytes = Buffer.allocUnsafeSlow(64 * 1024 * 1024)
  freeBuffer(bytes)
  assert.equal(bytes.length, 0)
  assert.ok(process.memoryUsage().arrayBuffers < before + 1024 * 1024)
})

test('a buffer that shares its memory stays as it is', () => {
  const whole = Buffer.from(new TextEncoder().encode('whole').buffer)
  const shared = new Uint8Array(new SharedArrayBuffer(2))
  const pooled = Buffer.from('pooled')
  for (const bytes of [whole.subarray(1), shared, pooled]) {
    const { length } = bytes
    freeBuffer(bytes)
    assert.equal(bytes.length, length)
  }
  assert.equal(whole.toString(), 'whole')
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogRateLimiter } from './log-rate-limiter.ts'

describe('the log rate limiter', () => {
  it('lets a second of bytes pass, tells once, drops for a second, and lets pass again', () => {
    let now = 0
    const limiter = new LogRateLimiter(100, () => now)
    assert.deepEqual(
      [limiter.admit(60), limiter.admit(40), limiter.admit(1), limiter.admit(1)],
      ['pass', 'pass', 'exceeded', 'drop'],
    )
    now = 999
    assert.equal(limiter.admit(1), 'drop')
    now = 1000
    assert.equal(limiter.admit(100), 'pass')
    assert.equal(limiter.admit(1), 'exceeded')
  })

  it('fills up again as time passes, to one second at most', () => {
    let now = 0
    const limiter = new LogRateLimiter(100, () => now)
    assert.equal(limiter.admit(100), 'pass')
    now = 500
    assert.equal(limiter.admit(50), 'pass')
    now = 60_000
    assert.equal(limiter.admit(101), 'exceeded')
  })

  it('has no limit below zero, and forbids all at zero', () => {
    assert.equal(new LogRateLimiter(-1).admit(1e9), 'pass')
    assert.equal(new LogRateLimiter(0).admit(1), 'drop')
  })

  it('measures what passed, in bytes a second', () => {
    let now = 0
    const limiter = new LogRateLimiter(-1, () => now)
    limiter.admit(300)
    now = 2000
    assert.equal(limiter.measureRate(), 150)
    now = 2100
    assert.equal(limiter.measureRate(), 150)
    now = 4000
    assert.equal(limiter.measureRate(), 0)
  })
})

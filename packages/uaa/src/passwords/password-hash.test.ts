import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { UaaError } from '../errors.ts'
import { PasswordHasher } from './password-hash.ts'

suite('a password hash', () => {
  test('matches its password alone, and differs each time', async () => {
    const hasher = new PasswordHasher(1_024)
    const [one, two] = [await hasher.hash('pässword'), await hasher.hash('pässword')]
    assert.notEqual(one, two)
    assert.match(one, /^scrypt\$1024\$[\w+/=]+\$[\w+/=]+$/)
    assert.equal(await hasher.matches('pässword', one), true)
    assert.equal(await hasher.matches('password', one), false)
    assert.equal(await hasher.matches('', one), false)
    for (const hash of [null, '', 'pässword', 'a$b$c']) assert.equal(await hasher.matches('pässword', hash), false)
  })

  test('made at another cost still matches', async () => {
    const hash = await new PasswordHasher(2_048).hash('x')
    assert.equal(await new PasswordHasher(1_024).matches('x', hash), true)
  })

  test('leaves the event loop free while many are made', async () => {
    const hasher = new PasswordHasher(32_768)
    const [ofThread, ofProcess] = [process.threadCpuUsage(), process.cpuUsage()]
    await Promise.all(Array.from({ length: 12 }, () => hasher.hash('x')))
    const [here, all] = [process.threadCpuUsage(ofThread).user, process.cpuUsage(ofProcess).user]
    // Time of the processor, which passes only for who works: hashing on this thread would be nearly all of it.
    assert.ok(here < all / 2, `this thread worked for ${here} of ${all} µs`)
  })

  test('is refused at once when too many wait for one', async () => {
    const hasher = new PasswordHasher(1_024, 3)
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => hasher.hash('x')))
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    assert.equal(refused.length, 3)
    for (const { reason } of refused) assert.ok(reason instanceof UaaError && reason.status === 503)
    await hasher.hash('x')
  })
})

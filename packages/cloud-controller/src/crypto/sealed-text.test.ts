import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveKeys, type EncryptionKeys, knowDerivedKeys, seal, unseal } from './sealed-text.ts'

const old: EncryptionKeys = { current: 'old', keys: { old: 'the first secret' } }
const rotated: EncryptionKeys = { current: 'new', keys: { old: 'the first secret', new: 'the second secret' } }

test('what was sealed is opened again, and looks different each time', () => {
  for (const text of ['', 'secret', 'ünïcödé: {"a":1}', 'x'.repeat(100_000)])
    assert.equal(unseal(seal(text, old), old), text)
  const sealed = seal('secret', old)
  assert.notEqual(sealed, seal('secret', old))
  assert.match(sealed, /^old:[A-Za-z0-9+/=]+$/)
  assert.ok(!Buffer.from(sealed.slice(4), 'base64').toString('latin1').includes('secret'))
})

test('after a rotation the old key opens and the new one seals', () => {
  assert.equal(unseal(seal('secret', old), rotated), 'secret')
  assert.match(seal('secret', rotated), /^new:/)
  assert.throws(
    () => unseal(seal('secret', rotated), old),
    /no database encryption key is configured under the label "new"/,
  )
})

test('a text that was altered, cut off or sealed with another secret is not opened', () => {
  const [label, body = ''] = seal('secret', old).split(':')
  const bytes = Buffer.from(body, 'base64')
  for (let index = 0; index < bytes.length; index += 1) {
    const altered = Buffer.from(bytes)
    altered[index] = (altered[index] ?? 0) ^ 1
    assert.throws(() => unseal(`${label}:${altered.toString('base64')}`, old), `byte ${index}`)
  }
  assert.throws(() => unseal(`${label}:${bytes.subarray(0, 20).toString('base64')}`, old))
  assert.throws(() => unseal('', old))
  assert.throws(() => unseal(seal('secret', old), { current: 'old', keys: { old: 'another secret' } }))
})

test('keys that were derived beforehand open what was sealed without them, and are used', async () => {
  const keys = { current: 'apart', keys: { apart: 'a secret of this test alone' } }
  const derived = await deriveKeys(keys)
  assert.equal(derived.size, 1)
  const sealed = seal('secret', keys)
  knowDerivedKeys(derived)
  assert.equal(unseal(sealed, keys), 'secret')
  knowDerivedKeys(new Map([...derived.keys()].map((name) => [name, Buffer.alloc(32, 1)])))
  assert.throws(() => unseal(sealed, keys))
})

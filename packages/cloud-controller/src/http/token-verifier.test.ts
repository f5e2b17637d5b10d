import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { generateKeyPair } from 'jose'
import { ApiError } from '../errors/api-error.ts'
import { FakeUaa } from '../testing/fake-uaa.ts'
import { tokenVerifier } from './token-verifier.ts'

async function given(t: TestContext) {
  const uaa = await FakeUaa.open(t)
  return { uaa, verify: tokenVerifier(uaa.url) }
}

const answers = (status: number, code: number) => (error: unknown) =>
  error instanceof ApiError && error.status === status && error.code === code
const invalid = answers(401, 1_000)
const keyRequests = (uaa: FakeUaa) => uaa.requests.filter((request) => request === 'GET /token_keys').length
const nowInSeconds = () => Math.floor(Date.now() / 1000)

test('a token of UAA is verified with keys that are fetched once', async (t) => {
  const { uaa, verify } = await given(t)
  const claims = await verify(await uaa.token({ user_id: 'me' }))
  assert.equal(claims.user_id, 'me')
  await verify(await uaa.token({ aud: 'cloud_controller' }))
  assert.deepEqual(uaa.requests.toSorted(), ['GET /.well-known/openid-configuration', 'GET /token_keys'])
})

test('a token of another key, audience or time is refused, and so is a refresh token', async (t) => {
  const { uaa, verify } = await given(t)
  const { privateKey } = await generateKeyPair('RS256')
  await assert.rejects(verify('a.b.c'), invalid)
  await assert.rejects(verify(await uaa.token({}, { key: privateKey })), invalid)
  await assert.rejects(verify(await uaa.token({ aud: ['other'] })), invalid)
  await assert.rejects(verify(await uaa.token({ exp: nowInSeconds() - 1 })), invalid)
  await assert.rejects(verify(await uaa.token({ jti: 'abc-r' })), invalid)
  await assert.rejects(verify(await uaa.token({ scope: 'cloud_controller.admin' })), invalid)
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`
  await assert.rejects(verify(unsigned), invalid)
})

test('a token counts as of the time when its request began, also when it is remembered', async (t) => {
  const { uaa, verify } = await given(t)
  const token = await uaa.token({ exp: nowInSeconds() - 10 })
  const begun = Date.now() - 60_000
  await verify(token, begun)
  await verify(token, begun)
  await assert.rejects(verify(token), invalid)
})

test('new keys of UAA are fetched when a token needs them, but not for every wrong one', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const { uaa, verify } = await given(t)
  await verify(await uaa.token())
  await uaa.rotateKeys()
  const token = await uaa.token()
  await assert.rejects(verify(token), invalid)
  assert.equal(keyRequests(uaa), 1)
  t.mock.timers.tick(5_001)
  await verify(token)
  await assert.rejects(verify(await uaa.token({}, { key: (await generateKeyPair('RS256')).privateKey })), invalid)
  assert.equal(keyRequests(uaa), 2)
})

test('a token of another zone of the UAA is refused, also when the zone signs with the same key', async (t) => {
  const { uaa, verify } = await given(t)
  await assert.rejects(verify(await uaa.token({ iss: 'http://zone.uaa.example.com/oauth/token' })), invalid)
  await verify(await uaa.token())
})

test('a UAA may call itself something else from one day on', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const { uaa, verify } = await given(t)
  await verify(await uaa.token())
  uaa.issuer = 'https://uaa.example.com/oauth/token'
  const token = await uaa.token()
  await assert.rejects(verify(token), invalid)
  t.mock.timers.tick(5_001)
  await verify(token)
})

test('a UAA that can not be asked is 502 with the body of UaaUnavailable', async (t) => {
  const { uaa, verify } = await given(t)
  uaa.isDown = true
  await assert.rejects(verify(await uaa.token()), answers(502, 20_004))
  uaa.isDown = false
  await verify(await uaa.token())
  const nobody = tokenVerifier('http://127.0.0.1:1')
  await assert.rejects(nobody(await uaa.token()), answers(502, 20_004))
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { claimsOf, startTestUaa, type UaaUnderTest } from '../uaa-under-test.ts'

const revoker = {
  id: 'revoker',
  secret: 'secret of the revoker',
  authorizedGrantTypes: ['client_credentials' as const],
  authorities: ['tokens.revoke'],
}
const revoke = (uaa: UaaUnderTest, path: string, token: string) =>
  uaa.request('DELETE', `/oauth/token/revoke/${path}`, { token })
const refresh = (uaa: UaaUnderTest, value: unknown) =>
  uaa.tokenRequest({ grant_type: 'refresh_token', refresh_token: String(value) })

suite('/oauth/token/revoke', () => {
  test('ends a refresh token for its owner', async (t) => {
    const uaa = await startTestUaa(t)
    const { json: login } = await uaa.logIn('admin', 'admin')
    const { status, text } = await revoke(uaa, String(login.refresh_token), String(login.access_token))
    assert.deepEqual([status, text], [200, ''])
    const answer = await refresh(uaa, login.refresh_token)
    assert.equal(answer.status, 401)
    assert.deepEqual(answer.json, {
      error: 'invalid_token',
      error_description: 'The token expired, was revoked, or the token ID is incorrect.',
    })
    assert.equal((await uaa.get('/userinfo', String(login.access_token))).status, 200)
  })

  test('ends a single access token where those are revocable, as cf logout asks', async (t) => {
    const uaa = await startTestUaa(t, { tokens: { revocable: true } })
    const [one, two] = [await uaa.userToken(), await uaa.userToken()]
    const { jti, revocable } = claimsOf(one)
    assert.equal(revocable, true)
    assert.equal((await revoke(uaa, String(jti), one)).status, 200)
    const { status, json } = await uaa.get('/userinfo', one)
    assert.deepEqual([status, json.error_description], [401, `The token has been revoked: ${jti}`])
    assert.equal((await uaa.get('/userinfo', two)).status, 200)
  })

  test('ends all tokens of a user, for that user and for who may', async (t) => {
    const uaa = await startTestUaa(t, { clients: [revoker] })
    const admin = await uaa.userToken()
    const id = await uaa.createUser('abe', 'pw', admin)
    for (const by of ['self', 'revoker']) {
      const { json: login } = await uaa.logIn('abe', 'pw')
      const token = by === 'self' ? String(login.access_token) : await uaa.clientToken(revoker.id, revoker.secret)
      assert.equal((await revoke(uaa, `user/${id}`, token)).status, 200)
      assert.equal((await uaa.get('/userinfo', String(login.access_token))).status, 401)
      assert.equal((await refresh(uaa, login.refresh_token)).status, 401)
    }
    assert.equal((await uaa.get('/userinfo', admin)).status, 200)
    assert.equal((await uaa.logIn('abe', 'pw')).status, 200)
  })

  test('ends all tokens of a client, or those of a user at a client', async (t) => {
    const uaa = await startTestUaa(t, { clients: [revoker] })
    const token = await uaa.clientToken(revoker.id, revoker.secret)
    const first = (await uaa.logIn('admin', 'admin')).json
    const userId = claimsOf(String(first.access_token)).user_id
    assert.equal((await revoke(uaa, `user/${userId}/client/cf`, token)).status, 200)
    assert.equal((await refresh(uaa, first.refresh_token)).status, 401)
    const second = (await uaa.logIn('admin', 'admin')).json
    assert.equal((await revoke(uaa, 'client/cf', token)).status, 200)
    assert.equal((await refresh(uaa, second.refresh_token)).status, 401)
    assert.equal((await uaa.get('/userinfo', String(second.access_token))).status, 401)
    assert.equal((await uaa.logIn('admin', 'admin')).status, 200)
  })

  test("refuses others' tokens, and says 404 for none", async (t) => {
    const uaa = await startTestUaa(t, { clients: [revoker] })
    const admin = await uaa.userToken()
    const { json: victim } = await uaa.logIn('admin', 'admin')
    const adminId = claimsOf(admin).user_id
    await uaa.createUser('bo', 'pw', admin)
    const bo = await uaa.userToken('bo', 'pw')
    for (const path of [String(victim.refresh_token), `user/${adminId}`, 'client/cf', `user/${adminId}/client/cf`]) {
      const { status, json } = await revoke(uaa, path, bo)
      assert.deepEqual([status, json.error], [403, 'insufficient_scope'], path)
    }
    assert.equal((await refresh(uaa, victim.refresh_token)).status, 200)
    const token = await uaa.clientToken(revoker.id, revoker.secret)
    for (const path of ['nothing', 'user/nobody', 'client/nobody']) {
      const { status, json } = await revoke(uaa, path, token)
      assert.deepEqual([status, json.error_description], [404, 'Resource not found'], path)
    }
  })
})

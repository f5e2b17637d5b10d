import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { AccessTokenClaims, cloudControllerAudience } from '@vcap/protocol'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startTestUaa } from '../uaa-under-test.ts'

suite('what anybody may ask', () => {
  test('GET /login and /info tell cf the prompts and the links', async (t) => {
    const uaa = await startTestUaa(t, { externalUrl: 'http://uaa.localhost:8080/' })
    const answers = [await uaa.get('/login'), await uaa.get('/info')]
    for (const { status, json, headers } of answers) {
      assert.equal(status, 200)
      assert.match(headers.get('content-type') ?? '', /^application\/json/)
      const { timestamp, ...rest } = json
      assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/)
      assert.deepEqual(rest, {
        app: { version: '77.20.0' },
        links: {
          uaa: 'http://uaa.localhost:8080',
          login: 'http://uaa.localhost:8080',
          passwd: 'http://uaa.localhost:8080/forgot_password',
          register: 'http://uaa.localhost:8080/create_account',
        },
        zone_name: 'uaa',
        entityID: 'cloudfoundry-saml-login',
        commit_id: 'vcap',
        idpDefinitions: {},
        prompts: { username: ['text', 'Email'], password: ['password', 'Password'] },
      })
    }
  })

  test('the keys verify a token as the Cloud Controller does it', async (t) => {
    const uaa = await startTestUaa(t)
    const { json: configuration } = await uaa.get('/.well-known/openid-configuration')
    const keys = createRemoteJWKSet(new URL(`${uaa.url}/token_keys`), { timeoutDuration: 60_000 })
    const { payload, protectedHeader } = await jwtVerify(await uaa.userToken(), keys, {
      issuer: String(configuration.issuer),
      audience: cloudControllerAudience,
    })
    assert.equal(protectedHeader.kid, 'key-1')
    assert.equal(AccessTokenClaims.parse(payload).user_name, 'admin')
    assert.deepEqual((await uaa.get('/oauth/token/.well-known/openid-configuration')).json, configuration)
    const { json: key } = await uaa.get('/token_key')
    assert.deepEqual((await uaa.get('/token_keys')).json, { keys: [key] })
    assert.match(String(key.value), /^-----BEGIN PUBLIC KEY-----\n/)
    assert.deepEqual([key.kty, key.alg, key.use, key.kid], ['RSA', 'RS256', 'sig', 'key-1'])
    assert.ok(!('d' in key))
  })

  test('what does not exist is a 404 in the form of UAA', async (t) => {
    const uaa = await startTestUaa(t)
    const { status, json } = await uaa.get('/nothing')
    assert.deepEqual([status, json.error], [404, 'not_found'])
    assert.equal((await uaa.get('/healthz')).text, 'ok\n')
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { z } from 'zod'
import { startUaa, UnsafeSecretError } from './index.ts'
import { claimsOf, silentLogger, startTestUaa, temporaryDirectory } from './uaa-under-test.ts'

const strong = 'a long password of the operator'
const options = { logger: silentLogger }

suite('starting the UAA', () => {
  test('refuses well-known secrets where others can reach it', async (t) => {
    const dataDirectory = temporaryDirectory(t)
    const client = { id: 'tool', authorizedGrantTypes: ['client_credentials' as const] }
    for (const config of [
      { host: '0.0.0.0' },
      { host: '::' },
      { host: '192.0.2.1', admin: { password: 'password' } },
      { host: '0.0.0.0', admin: { username: 'operator', password: 'Operator' } },
      { externalUrl: 'https://uaa.example.com' },
      { host: '0.0.0.0', admin: { password: strong }, clients: [{ ...client, secret: 'tool' }] },
    ]) {
      await assert.rejects(startUaa({ port: 0, dataDirectory, ...config }, options), (error) => {
        assert.ok(error instanceof UnsafeSecretError)
        assert.match(error.message, /reachable from this machine alone/)
        return true
      })
    }
    assert.deepEqual(readdirSync(dataDirectory), [], 'nothing was created')
  })

  test('takes admin/admin for loopback names, and a strong password for any', async (t) => {
    for (const config of [{ host: '127.0.0.1' }, { host: 'localhost' }, { externalUrl: 'http://uaa.localhost:8080' }]) {
      assert.ok(await (await startTestUaa(t, config)).userToken())
    }
    const public_ = { externalUrl: 'https://uaa.example.com', admin: { password: strong } }
    const uaa = await startTestUaa(t, public_)
    const token = await uaa.userToken('admin', strong)
    assert.equal(claimsOf(token).iss, 'https://uaa.example.com/oauth/token')
    const weak = await uaa.request('POST', '/Users', {
      token,
      body: { userName: 'al', password: 'al', emails: [{ value: 'al' }] },
    })
    assert.deepEqual([weak.status, weak.json.error], [422, 'invalid_password'])
  })

  test('refuses to open a server to others whose admin kept a well-known password', async (t) => {
    const uaa = await startTestUaa(t)
    await uaa.stop()
    const { dataDirectory } = uaa
    const exposed = { dataDirectory, externalUrl: 'https://uaa.example.com', admin: { password: strong } }
    await assert.rejects(startTestUaa(t, exposed), (error) => {
      assert.ok(error instanceof UnsafeSecretError)
      assert.match(error.message, /users have a well-known password.*: admin\./)
      return true
    })
    const fixed = await startTestUaa(t, { ...exposed, admin: { password: strong, overwritePassword: true } })
    assert.ok(await fixed.userToken('admin', strong))
  })

  test('refuses a configuration that is none', async (t) => {
    const dataDirectory = temporaryDirectory(t)
    for (const config of [
      { port: 70_000 },
      { externalUrl: 'uaa.example.com' },
      { signingKeys: { activeKeyId: '../key' } },
      { signingKeys: { activeKeyId: 'a', retiredKeyIds: ['a'] } },
      { passwords: { scryptCost: 3_000 } },
      { clients: [{ id: 'open', secret: '', authorizedGrantTypes: ['client_credentials' as const] }] },
    ]) {
      await assert.rejects(startUaa({ dataDirectory, ...config }, options), z.ZodError, JSON.stringify(config))
    }
  })

  test('fails on a port in use, and leaves the data directory free for the next start', async (t) => {
    const uaa = await startTestUaa(t)
    const dataDirectory = temporaryDirectory(t)
    const port = Number(new URL(uaa.url).port)
    await assert.rejects(startTestUaa(t, { dataDirectory, port }), { code: 'EADDRINUSE' })
    assert.ok(await (await startTestUaa(t, { dataDirectory })).userToken())
  })

  test('keeps what is secret to the owner of the files', async (t) => {
    const uaa = await startTestUaa(t, { dataDirectory: temporaryDirectory(t) })
    await uaa.userToken()
    const modeOf = (...path: string[]) => statSync(join(uaa.dataDirectory, ...path)).mode & 0o777
    assert.equal(modeOf('uaa.db'), 0o600)
    assert.equal(modeOf('uaa.db-wal'), 0o600)
    assert.equal(modeOf('signing-keys'), 0o700)
    assert.deepEqual(readdirSync(join(uaa.dataDirectory, 'signing-keys')), ['key-1.pem'])
    assert.equal(modeOf('signing-keys', 'key-1.pem'), 0o600)
    const { json } = await uaa.logIn('admin', 'admin')
    await uaa.stop()
    const stored = readFileSync(join(uaa.dataDirectory, 'uaa.db'), 'latin1')
    assert.ok(!stored.includes(String(json.refresh_token)), 'the refresh token is not in the database')
  })
})

suite('a restart', () => {
  test('keeps users, tokens and the key', async (t) => {
    const first = await startTestUaa(t, { externalUrl: 'http://uaa.localhost' })
    await first.createUser('abby', 'pw', await first.userToken())
    const { json: login } = await first.logIn('abby', 'pw')
    const keys = (await first.get('/token_keys')).text
    await first.stop()
    const { dataDirectory } = first
    const second = await startTestUaa(t, { dataDirectory, externalUrl: 'http://uaa.localhost' })
    assert.equal((await second.get('/token_keys')).text, keys)
    assert.equal((await second.get('/userinfo', String(login.access_token))).status, 200)
    const refreshed = await second.tokenRequest({
      grant_type: 'refresh_token',
      refresh_token: String(login.refresh_token),
    })
    assert.equal(refreshed.status, 200)
    assert.equal((await second.logIn('abby', 'pw')).status, 200)
  })

  test('does not give the admin the password of the configuration, unless asked', async (t) => {
    const first = await startTestUaa(t)
    await first.stop()
    const { dataDirectory } = first
    const second = await startTestUaa(t, { dataDirectory, admin: { password: 'other' } })
    assert.equal((await second.logIn('admin', 'other')).status, 401)
    assert.equal((await second.logIn('admin', 'admin')).status, 200)
    await second.stop()
    const third = await startTestUaa(t, { dataDirectory, admin: { password: 'other', overwritePassword: true } })
    assert.equal((await third.logIn('admin', 'other')).status, 200)
  })

  test('does not bring back an admin right that was taken away', async (t) => {
    const first = await startTestUaa(t)
    const token = await first.userToken()
    const groupId = await first.groupId('clients.read', token)
    const path = `/Groups/${groupId}/members/${claimsOf(token).user_id}`
    assert.equal((await first.request('DELETE', path, { token })).status, 200)
    await first.stop()
    const second = await startTestUaa(t, { dataDirectory: first.dataDirectory })
    const { scope } = claimsOf(await second.userToken())
    assert.ok(Array.isArray(scope) && scope.includes('scim.write') && !scope.includes('clients.read'))
  })

  test('stops twice without harm, and answers what is under way', async (t) => {
    const uaa = await startTestUaa(t)
    const headers = { authorization: `Basic ${btoa('cf:')}`, 'content-type': 'application/x-www-form-urlencoded' }
    const underWay = request(`${uaa.url}/oauth/token`, {
      method: 'POST',
      headers: { ...headers, expect: '100-continue' },
    })
    const answered = once(underWay, 'response')
    underWay.flushHeaders()
    // It is known to have come, and can't be answered without its body.
    await once(underWay, 'continue')
    const stopping = Promise.all([uaa.stop(), uaa.stop()])
    await assert.rejects(uaa.get('/healthz'))
    underWay.end('grant_type=password&username=admin&password=wrong')
    const [answer] = (await answered) as [IncomingMessage]
    assert.equal(answer.statusCode, 401)
    answer.resume()
    await stopping
  })
})

suite('signing keys', () => {
  test('rotate by configuration: the old one verifies until it is retired', async (t) => {
    const base = { externalUrl: 'http://uaa.localhost' }
    const kidsOf = (text: string) =>
      z
        .object({ keys: z.array(z.object({ kid: z.string() })) })
        .parse(JSON.parse(text))
        .keys.map(({ kid }) => kid)
    const first = await startTestUaa(t, base)
    const old = await first.userToken()
    await first.stop()
    const { dataDirectory } = first

    const second = await startTestUaa(t, { ...base, dataDirectory, signingKeys: { activeKeyId: 'key-2' } })
    const fresh = await second.userToken()
    assert.deepEqual(kidsOf((await second.get('/token_keys')).text), ['key-2', 'key-1'])
    assert.equal((await second.get('/token_key')).json.kid, 'key-2')
    assert.equal((await second.get('/userinfo', old)).status, 200)
    await second.stop()

    const signingKeys = { activeKeyId: 'key-2', retiredKeyIds: ['key-1'] }
    const third = await startTestUaa(t, { ...base, dataDirectory, signingKeys })
    assert.deepEqual(kidsOf((await third.get('/token_keys')).text), ['key-2'])
    assert.equal((await third.get('/userinfo', old)).status, 401)
    assert.equal((await third.get('/userinfo', fresh)).status, 200)
  })

  test('that others can read are closed to them', async (t) => {
    const uaa = await startTestUaa(t)
    await uaa.userToken()
    await uaa.stop()
    const file = join(uaa.dataDirectory, 'signing-keys', 'key-1.pem')
    chmodSync(file, 0o644)
    await startTestUaa(t, { dataDirectory: uaa.dataDirectory })
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  test('that are broken stop the start with the name of the file', async (t) => {
    const uaa = await startTestUaa(t)
    await uaa.userToken()
    await uaa.stop()
    writeFileSync(join(uaa.dataDirectory, 'signing-keys', 'key-1.pem'), 'nothing')
    await assert.rejects(startTestUaa(t, { dataDirectory: uaa.dataDirectory }), /key-1\.pem holds no signing key/)
  })
})

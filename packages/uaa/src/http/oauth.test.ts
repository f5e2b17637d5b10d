import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { suite, test } from 'node:test'
import { accessTokenOf, claimsOf, startTestUaa, TestClock } from '../uaa-under-test.ts'

const lookup = {
  id: 'cloud_controller_username_lookup',
  secret: 'secret of the lookup client',
  authorizedGrantTypes: ['client_credentials' as const],
  authorities: ['scim.userids', 'scim.read'],
}

suite('POST /oauth/token with a password', () => {
  test('answers the tokens that cf keeps, with every claim of UAA', async (t) => {
    const clock = new TestClock(1_800_000_000_000)
    const uaa = await startTestUaa(t, {}, { now: clock.now })
    const { status, json, headers } = await uaa.logIn('admin', 'admin')
    assert.equal(status, 200)
    assert.equal(headers.get('cache-control'), 'no-store')
    const { access_token, refresh_token, jti, ...rest } = json
    const scopes = [
      'clients.read',
      'cloud_controller.admin',
      'cloud_controller.read',
      'cloud_controller.write',
      'doppler.firehose',
      'network.admin',
      'openid',
      'password.write',
      'routing.router_groups.read',
      'routing.router_groups.write',
      'scim.read',
      'scim.write',
      'uaa.user',
    ]
    assert.deepEqual(rest, { token_type: 'bearer', expires_in: 599, scope: scopes.join(' ') })
    assert.match(String(refresh_token), /-r$/)
    const { sub, rev_sig, iss, ...claims } = claimsOf(String(access_token))
    assert.match(String(rev_sig), /^[0-9a-f]{16}$/)
    assert.match(String(iss), /^http:\/\/localhost:\d+\/oauth\/token$/)
    assert.deepEqual(claims, {
      jti,
      scope: scopes,
      client_id: 'cf',
      cid: 'cf',
      azp: 'cf',
      grant_type: 'password',
      user_id: sub,
      origin: 'uaa',
      user_name: 'admin',
      email: 'admin',
      auth_time: 1_800_000_000,
      iat: 1_800_000_000,
      exp: 1_800_000_600,
      zid: 'uaa',
      aud: [
        'cf',
        'clients',
        'cloud_controller',
        'doppler',
        'network',
        'openid',
        'password',
        'routing.router_groups',
        'scim',
        'uaa',
      ],
    })
  })

  test('takes the user name in any case, and the client in the body', async (t) => {
    const uaa = await startTestUaa(t)
    assert.equal((await uaa.logIn('ADMIN', 'admin')).status, 200)
    const inBody = { grant_type: 'password', username: 'admin', password: 'admin', client_id: 'cf', client_secret: '' }
    assert.equal((await uaa.tokenRequest(inBody, null)).status, 200)
  })

  test('answers a wrong password and an unknown user alike', async (t) => {
    const uaa = await startTestUaa(t)
    for (const answer of [
      await uaa.logIn('admin', 'wrong'),
      await uaa.logIn('admin', ''),
      await uaa.logIn('nobody', 'x'),
      await uaa.logIn('', ''),
    ]) {
      assert.equal(answer.status, 401)
      assert.deepEqual(answer.json, { error: 'unauthorized', error_description: 'Bad credentials' })
    }
  })

  test('takes the origin uaa as a login hint, in the query or in the body, and no other', async (t) => {
    const uaa = await startTestUaa(t)
    const parameters = { grant_type: 'password', username: 'admin', password: 'admin' }
    const hinted = (origin: string) => `?login_hint=${encodeURIComponent(JSON.stringify({ origin }))}`
    assert.equal((await uaa.tokenRequest(parameters, 'cf:', hinted('uaa'))).status, 200)
    for (const answer of [
      await uaa.tokenRequest(parameters, 'cf:', hinted('ldap')),
      await uaa.tokenRequest({ ...parameters, login_hint: '{"origin":"ldap"}' }),
    ]) {
      assert.deepEqual([answer.status, answer.json.error], [401, 'unauthorized'])
      assert.match(String(answer.json.error_description), /login_hint does not match an active Identity Provider/)
    }
  })

  test('narrows the scopes to those requested', async (t) => {
    const uaa = await startTestUaa(t)
    const narrowed = await uaa.logIn('admin', 'admin', { scope: 'openid cloud_controller.read' })
    assert.equal(narrowed.json.scope, 'cloud_controller.read openid')
    const unknown = await uaa.logIn('admin', 'admin', { scope: 'uaa.admin' })
    assert.equal(unknown.status, 400)
    assert.deepEqual(unknown.json, {
      error: 'invalid_scope',
      error_description: 'uaa.admin is invalid. Please use a valid scope name in the request',
    })
    const notHis = await uaa.logIn('admin', 'admin', { scope: 'network.write' })
    assert.equal(
      notHis.json.error_description,
      '[network.write] is invalid. This user is not allowed any of the requested scopes',
    )
  })

  test('refuses a passcode, since nobody gets one', async (t) => {
    const uaa = await startTestUaa(t)
    const { status, json } = await uaa.tokenRequest({ grant_type: 'password', passcode: 'abc' })
    assert.deepEqual([status, json.error, json.error_description], [401, 'unauthorized', 'Invalid passcode'])
  })
})

suite('POST /oauth/token', () => {
  test('refuses clients that it does not know, with a challenge', async (t) => {
    const uaa = await startTestUaa(t, { clients: [lookup] })
    const parameters = { grant_type: 'client_credentials' }
    for (const client of ['nobody:', `${lookup.id}:wrong`, `${lookup.id}:`, 'cf:secret', 'nocolon']) {
      const { status, json, headers } = await uaa.tokenRequest(parameters, client)
      assert.deepEqual([status, json.error], [401, 'invalid_client'], client)
      assert.match(headers.get('www-authenticate') ?? '', /^Basic realm="UAA\/client", error="invalid_client"/)
    }
    const none = await uaa.tokenRequest(parameters, null)
    assert.deepEqual([none.status, none.json.error], [401, 'invalid_client'])
    const mismatch = await uaa.tokenRequest({ ...parameters, client_id: 'cf' }, `${lookup.id}:${lookup.secret}`)
    assert.equal(mismatch.json.error_description, 'Given client ID does not match authenticated client')
  })

  test('refuses what is no grant, and what the client may not do', async (t) => {
    const uaa = await startTestUaa(t)
    const cases = [
      [{}, 400, 'invalid_request'],
      [{ grant_type: 'magic' }, 400, 'unsupported_grant_type'],
      [{ grant_type: 'constructor' }, 400, 'unsupported_grant_type'],
      [{ grant_type: 'client_credentials' }, 401, 'invalid_client'],
    ] as const
    for (const [parameters, status, error] of cases) {
      const answer = await uaa.tokenRequest(parameters)
      assert.deepEqual([answer.status, answer.json.error], [status, error])
    }
    const twice = await uaa.request('POST', '/oauth/token', {
      body: new URLSearchParams('grant_type=password&grant_type=password'),
      headers: { Authorization: `Basic ${btoa('cf:')}` },
    })
    assert.deepEqual([twice.status, twice.json.error], [400, 'invalid_request'])
    const json = await uaa.request('POST', '/oauth/token', { body: { grant_type: 'password' } })
    assert.deepEqual([json.status, json.json.error], [400, 'invalid_request'])
    assert.equal((await uaa.get('/oauth/token')).status, 404)
    // The answer to a body that is not read may be lost with the connection; so none is sent.
    const large = request(`${uaa.url}/oauth/token`, { method: 'POST', headers: { 'content-length': 2_000_000 } })
    const answered = once(large, 'response')
    large.flushHeaders()
    const [answer] = (await answered) as [IncomingMessage]
    assert.equal(answer.statusCode, 413)
    large.destroy()
  })

  test('gives a client a token for itself, in either way of authenticating', async (t) => {
    const uaa = await startTestUaa(t, { clients: [{ ...lookup, accessTokenValidityInSeconds: 60 }] })
    const encoded = `Basic ${btoa(`${lookup.id}:${encodeURIComponent(lookup.secret).replaceAll('%20', '+')}`)}`
    const answers = [
      await uaa.tokenRequest({ grant_type: 'client_credentials' }, `${lookup.id}:${lookup.secret}`),
      await uaa.tokenRequest(
        { grant_type: 'client_credentials', client_id: lookup.id, client_secret: lookup.secret },
        null,
      ),
      await uaa.request('POST', '/oauth/token', {
        headers: { Authorization: encoded, 'X-CF-ENCODED-CREDENTIALS': 'true' },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      }),
    ]
    for (const answer of answers) {
      const { jti, iat, exp, rev_sig, iss, ...claims } = claimsOf(accessTokenOf(answer))
      assert.ok(jti && rev_sig && iss)
      assert.equal(Number(exp) - Number(iat), 60)
      assert.deepEqual(claims, {
        sub: lookup.id,
        authorities: lookup.authorities,
        scope: lookup.authorities,
        client_id: lookup.id,
        cid: lookup.id,
        azp: lookup.id,
        grant_type: 'client_credentials',
        zid: 'uaa',
        aud: [lookup.id, 'scim'],
      })
      assert.equal(answer.json.refresh_token, undefined)
    }
    const narrowed = await uaa.tokenRequest(
      { grant_type: 'client_credentials', scope: 'scim.read' },
      `${lookup.id}:${lookup.secret}`,
    )
    assert.equal(narrowed.json.scope, 'scim.read')
  })
})

suite('POST /oauth/token with a refresh token', () => {
  const refresh = (value: unknown, more: Record<string, string> = {}) => ({
    grant_type: 'refresh_token',
    refresh_token: String(value),
    ...more,
  })

  test('gives a new access token, and the refresh token again, until its end', async (t) => {
    const clock = new TestClock()
    const uaa = await startTestUaa(t, {}, { now: clock.now })
    const { json: login } = await uaa.logIn('admin', 'admin')
    clock.advanceSeconds(3_600)
    const { status, json } = await uaa.tokenRequest(refresh(login.refresh_token))
    assert.equal(status, 200)
    assert.equal(json.refresh_token, login.refresh_token)
    assert.notEqual(json.jti, login.jti)
    assert.equal(json.scope, login.scope)
    const [first, second] = [claimsOf(String(login.access_token)), claimsOf(String(json.access_token))]
    assert.equal(second.auth_time, first.auth_time)
    assert.equal(second.grant_type, 'password')
    assert.equal(Number(second.iat) - Number(first.iat), 3_600)
    clock.advanceSeconds(30 * 86_400 - 3_600)
    const late = await uaa.tokenRequest(refresh(login.refresh_token))
    assert.deepEqual(
      [late.status, late.json],
      [
        401,
        {
          error: 'invalid_token',
          error_description: 'The token expired, was revoked, or the token ID is incorrect.',
        },
      ],
    )
  })

  test('refuses a token that is none, is of another client, or is an access token', async (t) => {
    const other = { id: 'other', secret: 'secret of other', authorizedGrantTypes: ['refresh_token' as const] }
    const uaa = await startTestUaa(t, { clients: [{ ...other, scopes: ['openid'] }] })
    const { json: login } = await uaa.logIn('admin', 'admin')
    for (const value of ['', 'x', login.access_token, login.jti]) {
      const { status, json } = await uaa.tokenRequest(refresh(value))
      assert.deepEqual([status, json.error], [401, 'invalid_token'])
    }
    const stolen = await uaa.tokenRequest(refresh(login.refresh_token), `other:${other.secret}`)
    assert.deepEqual([stolen.status, stolen.json.error], [400, 'invalid_grant'])
  })

  test('narrows the scopes, and never widens them', async (t) => {
    const uaa = await startTestUaa(t)
    const { json: login } = await uaa.logIn('admin', 'admin', { scope: 'openid scim.read' })
    const narrow = await uaa.tokenRequest(refresh(login.refresh_token, { scope: 'openid' }))
    assert.equal(narrow.json.scope, 'openid')
    const wide = await uaa.tokenRequest(refresh(login.refresh_token, { scope: 'cloud_controller.admin' }))
    assert.deepEqual([wide.status, wide.json.error], [400, 'invalid_scope'])
  })
})

suite('/check_token', () => {
  const resource = {
    id: 'doppler',
    secret: 'secret of doppler',
    authorizedGrantTypes: ['client_credentials' as const],
    authorities: ['uaa.resource'],
  }

  test('answers the claims of a token to a resource server', async (t) => {
    const clock = new TestClock()
    const uaa = await startTestUaa(t, { clients: [resource, lookup] }, { now: clock.now })
    const token = await uaa.userToken()
    const check = (fields: Record<string, string>, client = `${resource.id}:${resource.secret}`) =>
      uaa.request('POST', '/check_token', {
        headers: { Authorization: `Basic ${btoa(client)}` },
        body: new URLSearchParams(fields),
      })
    const { status, json } = await check({ token, scopes: 'openid,scim.read' })
    assert.equal(status, 200)
    assert.deepEqual(json, claimsOf(token))
    const missing = await check({ token, scopes: 'openid,uaa.admin' })
    assert.deepEqual([missing.status, missing.json.error], [400, 'invalid_scope'])
    assert.deepEqual((await check({})).json.error_description, 'Token parameter must be set')
    assert.deepEqual((await check({ token: 'x.y.z' })).status, 400)
    assert.equal((await check({ token }, `${lookup.id}:${lookup.secret}`)).status, 403)
    assert.equal((await check({ token }, 'doppler:wrong')).status, 401)
    clock.advanceSeconds(601)
    const expired = await check({ token })
    assert.deepEqual([expired.status, expired.json.error], [400, 'invalid_token'])
  })
})

suite('a bearer token', () => {
  const tampered = (token: string, change: (part: Record<string, unknown>) => object, part: 0 | 1) => {
    const parts = token.split('.')
    const decoded = JSON.parse(Buffer.from(parts[part] ?? '', 'base64url').toString()) as Record<string, unknown>
    parts[part] = Buffer.from(JSON.stringify(change(decoded))).toString('base64url')
    return parts.join('.')
  }

  test('is refused when it is expired, changed, or signed by nobody', async (t) => {
    const clock = new TestClock()
    const uaa = await startTestUaa(t, {}, { now: clock.now })
    const token = await uaa.userToken()
    assert.equal((await uaa.get('/userinfo', token)).status, 200)
    const cases = [
      ['nonsense', 'Invalid token (could not decode)'],
      [tampered(token, (claims) => ({ ...claims, scope: ['uaa.admin'] }), 1), 'Could not verify token signature.'],
      [tampered(token, (header) => ({ ...header, kid: 'key-9' }), 0), /references unknown signing key/],
      [tampered(token, ({ kid: _, ...header }) => header, 0), 'kid claim not found in JWT token header'],
      [`${tampered(token, (header) => ({ ...header, alg: 'none' }), 0).replace(/[^.]+$/, '')}`, /could not decode/],
    ] as const
    for (const [bad, description] of cases) {
      const { status, json, headers } = await uaa.get('/userinfo', bad)
      assert.deepEqual([status, json.error], [401, 'invalid_token'], bad)
      assert.match(
        String(json.error_description),
        new RegExp(description instanceof RegExp ? description : escaped(description)),
      )
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer realm="UAA\/oauth", error="invalid_token"/)
    }
    clock.advanceSeconds(600)
    const { status, json } = await uaa.get('/userinfo', token)
    assert.equal(status, 401)
    assert.match(String(json.error_description), /^Invalid access token: expired at /)
  })

  test('may say anything in its header without harm to that of the answer', async (t) => {
    const uaa = await startTestUaa(t)
    const bad = tampered(await uaa.userToken(), (header) => ({ ...header, kid: 'ü"\r\nSet-Cookie: x=y' }), 0)
    const { status, headers } = await uaa.get('/userinfo', bad)
    assert.equal(status, 401)
    assert.equal(headers.get('set-cookie'), null)
    assert.match(headers.get('www-authenticate') ?? '', /signing key : \[\?'\?\?Set-Cookie: x=y\]"$/)
  })

  test('of another issuer is refused, though signed with the same key', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    await uaa.stop()
    const { dataDirectory } = uaa
    const moved = await startTestUaa(t, { dataDirectory, externalUrl: 'http://uaa.localhost' })
    const { status, json } = await moved.get('/userinfo', token)
    assert.equal(status, 401)
    assert.match(String(json.error_description), /^Invalid issuer \(http.*\) for token did not match expected: http/)
  })

  test('of another UAA is refused', async (t) => {
    const [one, other] = [await startTestUaa(t), await startTestUaa(t)]
    const { status } = await one.get('/userinfo', await other.userToken())
    assert.equal(status, 401)
  })

  test('shows who it belongs to at /userinfo', async (t) => {
    const uaa = await startTestUaa(t, { clients: [lookup] })
    const id = await uaa.createUser('olga', 'pw', await uaa.userToken())
    const { status, json } = await uaa.get('/userinfo', await uaa.userToken('olga', 'pw'))
    assert.equal(status, 200)
    assert.deepEqual(json, {
      user_id: id,
      user_name: 'olga',
      name: 'olga olga',
      given_name: 'olga',
      family_name: 'olga',
      email: 'olga',
      email_verified: true,
      previous_logon_time: null,
      sub: id,
    })
    assert.equal((await uaa.get('/userinfo', await uaa.clientToken(lookup.id, lookup.secret))).status, 403)
  })
})

suite('/oauth/authorize', () => {
  const sshProxy = {
    id: 'ssh-proxy',
    secret: 'secret of ssh-proxy',
    authorizedGrantTypes: ['authorization_code' as const],
    scopes: ['openid', 'cloud_controller.read', 'cloud_controller.write'],
    redirectUris: ['http://localhost/login'],
    autoApprove: true,
  }
  const authorize = '/oauth/authorize?response_type=code&client_id=ssh-proxy'

  test('gives cf ssh-code a code that ssh-proxy exchanges once, for a token of the user', async (t) => {
    const clock = new TestClock()
    const uaa = await startTestUaa(t, { clients: [sshProxy] }, { now: clock.now })
    const token = await uaa.userToken()
    const codeOf = async () => {
      const { status, headers } = await uaa.get(`${authorize}&state=s1`, token)
      assert.equal(status, 302)
      const location = new URL(headers.get('location') ?? '')
      assert.equal(location.origin + location.pathname, 'http://localhost/login')
      assert.equal(location.searchParams.get('state'), 's1')
      return location.searchParams.get('code') ?? ''
    }
    const exchange = (code: string, client = `ssh-proxy:${sshProxy.secret}`) =>
      uaa.tokenRequest({ grant_type: 'authorization_code', code }, client)
    const code = await codeOf()
    const exchanged = await exchange(code)
    const claims = claimsOf(accessTokenOf(exchanged))
    assert.deepEqual(
      [claims.user_name, claims.client_id, claims.scope],
      ['admin', 'ssh-proxy', ['cloud_controller.read', 'cloud_controller.write', 'openid']],
    )
    const again = await exchange(code)
    assert.deepEqual([again.status, again.json.error], [400, 'invalid_grant'])
    const late = await codeOf()
    clock.advanceSeconds(301)
    assert.equal((await exchange(late)).json.error, 'invalid_grant')
    assert.equal((await uaa.get(authorize)).status, 401)
  })

  test('refuses an address that is not registered, and a client that would need consent', async (t) => {
    const asking = { ...sshProxy, id: 'asking', autoApprove: false }
    const uaa = await startTestUaa(t, { clients: [sshProxy, asking] })
    const token = await uaa.userToken()
    const evil = await uaa.get(`${authorize}&redirect_uri=${encodeURIComponent('http://localhost/login@evil')}`, token)
    assert.deepEqual([evil.status, evil.json.error, evil.headers.get('location')], [400, 'invalid_request', null])
    assert.equal((await uaa.get(authorize.replace('ssh-proxy', 'asking'), token)).json.error, 'access_denied')
    assert.equal((await uaa.get(authorize.replace('ssh-proxy', 'nobody'), token)).status, 400)
    assert.equal((await uaa.get(authorize.replace('=code', '=token'), token)).status, 400)
    assert.equal((await uaa.get(authorize.replace('ssh-proxy', 'cf'), token)).status, 400)
  })
})

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

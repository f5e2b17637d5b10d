import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { cfUser, claimsOf, namesIn, startTestUaa } from '../uaa-under-test.ts'

const filtered = (filter: string) => `/Users?filter=${encodeURIComponent(filter)}`

suite('/Users', () => {
  test('POST creates a user who can log in, as cf create-user does', async (t) => {
    const uaa = await startTestUaa(t)
    const admin = await uaa.userToken()
    const { status, json, headers } = await uaa.request('POST', '/Users', {
      token: admin,
      body: cfUser('ann@example.com', 'first-pass'),
    })
    assert.equal(status, 201)
    assert.equal(headers.get('etag'), '"0"')
    const { id, meta, groups, passwordLastModified, ...rest } = json
    assert.match(String(id), /^[0-9a-f-]{36}$/)
    assert.ok(meta && groups && passwordLastModified)
    assert.deepEqual(rest, {
      userName: 'ann@example.com',
      name: { familyName: 'ann@example.com', givenName: 'ann@example.com' },
      emails: [{ value: 'ann@example.com', primary: false }],
      approvals: [],
      active: true,
      verified: true,
      origin: 'uaa',
      zoneId: 'uaa',
      schemas: ['urn:scim:schemas:core:1.0'],
    })
    assert.ok(!JSON.stringify(json).includes('scrypt'))
    const token = await uaa.userToken('ann@example.com', 'first-pass')
    assert.equal(claimsOf(token).user_id, id)
    assert.deepEqual(claimsOf(token).scope, [
      'cloud_controller.read',
      'cloud_controller.write',
      'openid',
      'password.write',
      'uaa.user',
    ])
  })

  test('POST answers 409 with the id of the one who has the name, in any case', async (t) => {
    const uaa = await startTestUaa(t)
    const admin = await uaa.userToken()
    const id = await uaa.createUser('bob', 'pw', admin)
    const { status, json } = await uaa.request('POST', '/Users', { token: admin, body: cfUser('BOB', 'pw') })
    assert.equal(status, 409)
    assert.deepEqual(json, {
      error: 'scim_resource_already_exists',
      error_description: 'Username already in use: BOB',
      message: 'Username already in use: BOB',
      active: true,
      verified: true,
      user_id: id,
    })
    const other = await uaa.request('POST', '/Users', { token: admin, body: cfUser('bob', '', 'ldap') })
    assert.equal(other.status, 201, 'the name is free at another origin')
  })

  test('POST refuses users without a name, an email or a password', async (t) => {
    const uaa = await startTestUaa(t, { passwords: { minLength: 4, maxLength: 10 } })
    const token = await uaa.userToken()
    const good = cfUser('carl', 'long enough'.slice(0, 10))
    const cases = [
      [{ ...good, userName: '' }, 400, 'invalid_scim_resource', 'A username must be provided.'],
      [
        { ...good, userName: 'a b' },
        400,
        'invalid_scim_resource',
        "Username must match pattern: [\\p{L}+0-9+\\-_.@'!]+",
      ],
      [{ ...good, emails: [] }, 400, 'invalid_scim_resource', 'Exactly one email must be provided.'],
      [{ ...good, emails: [{ value: '' }] }, 400, 'invalid_scim_resource', 'An email must be provided.'],
      [{ ...good, active: 'yes' }, 400, 'invalid_scim_resource', undefined],
      [{ ...good, password: 'abc' }, 422, 'invalid_password', 'Password must be at least 4 characters in length.'],
      [
        { ...good, password: 'abcdefghijk' },
        422,
        'invalid_password',
        'Password must be no more than 10 characters in length.',
      ],
    ] as const
    for (const [body, status, error, description] of cases) {
      const answer = await uaa.request('POST', '/Users', { token, body })
      assert.deepEqual([answer.status, answer.json.error], [status, error], answer.text)
      if (description !== undefined) assert.equal(answer.json.error_description, description)
    }
    const broken = await uaa.request('POST', '/Users', { token, body: '{"userName":' })
    assert.equal(broken.status, 400)
    assert.deepEqual(namesIn(await uaa.get('/Users', token)), ['admin'])
  })

  test('a user of another origin has no password, and can not log in with an empty one', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    const created = await uaa.request('POST', '/Users', { token, body: cfUser('dora', '', 'ldap') })
    assert.equal(created.status, 201)
    for (const password of ['', 'x']) assert.equal((await uaa.logIn('dora', password)).status, 401)
  })

  test('GET finds users by the filters of cf', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    for (const name of ['eva', 'Evita', 'frank']) await uaa.createUser(name, 'pw', token)
    await uaa.request('POST', '/Users', { token, body: cfUser('eva', '', 'ldap') })
    const cases: [string, string[]][] = [
      ['userName eq "eva" and origin eq "uaa"', ['eva']],
      ['userName eq "EVA"', ['eva', 'eva']],
      ['userName Eq "frank"', ['frank']],
      ['userName co "v"', ['eva', 'Evita', 'eva']],
      ['userName sw "ev" and origin eq "uaa"', ['eva', 'Evita']],
      ['userName sw "va"', []],
      ['userName eq "nobody"', []],
      ['emails.value eq "frank" or name.givenName eq "evita"', ['Evita', 'frank']],
      ['active eq true and externalId eq null and userName eq "frank"', ['frank']],
      ['active eq false', []],
      ['meta.created gt "2999-01-01T00:00:00.000Z"', []],
      ['phoneNumbers.value pr', []],
    ]
    for (const [filter, expected] of cases) {
      assert.deepEqual(namesIn(await uaa.get(filtered(filter), token)).sort(), expected.sort(), filter)
    }
  })

  test('GET treats what a filter quotes as text, and nothing as SQL or as a wildcard', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    await uaa.createUser('a_b', 'pw', token)
    await uaa.createUser('acb', 'pw', token)
    assert.deepEqual(namesIn(await uaa.get(filtered('userName co "a_b"'), token)), ['a_b'])
    assert.deepEqual(namesIn(await uaa.get(filtered('userName co "%"'), token)), [])
    const injections = [
      `userName eq "x' OR '1'='1"`,
      `userName eq "x'; DROP TABLE users; --"`,
      `userName eq "x\\" or \\"1\\" eq \\"1"`,
    ]
    for (const filter of injections) {
      const answer = await uaa.get(filtered(filter), token)
      assert.deepEqual([answer.status, answer.json.totalResults], [200, 0], filter)
    }
    for (const filter of [
      `1=1; DROP TABLE users`,
      `password_hash sw "scrypt"`,
      `password pr`,
      `token_salt pr`,
      `constructor pr`,
      `__proto__ pr`,
      `userName eq "x" or 1 eq 1`,
      `active co "t"`,
      `created gt "yesterday"`,
    ]) {
      const { status, json } = await uaa.get(filtered(filter), token)
      assert.deepEqual([status, json.error], [400, 'scim'], filter)
    }
    const sorted = await uaa.get('/Users?sortBy=password_hash', token)
    assert.deepEqual([sorted.status, sorted.json.error], [400, 'scim'])
    assert.equal((await uaa.get('/Users', token)).json.totalResults, 3)
  })

  test('GET pages, sorts, and reduces to the attributes asked for', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    for (const name of ['u1', 'u2', 'u3']) await uaa.createUser(name, 'pw', token)
    const page = await uaa.get('/Users?sortBy=userName&sortOrder=descending&startIndex=2&count=2', token)
    assert.deepEqual(namesIn(page), ['u2', 'u1'])
    const { resources: _, ...envelope } = page.json
    assert.deepEqual(envelope, {
      startIndex: 2,
      itemsPerPage: 2,
      totalResults: 4,
      schemas: ['urn:scim:schemas:core:1.0'],
    })
    const reduced = await uaa.get(
      '/Users?attributes=USERNAME,emails.value,familyName&sortBy=userName&startIndex=2&count=1',
      token,
    )
    assert.deepEqual(reduced.json.resources, [{ userName: 'u1', 'emails.value': ['u1'], familyName: 'u1' }])
    assert.equal((await uaa.get('/Users?count=100000', token)).json.itemsPerPage, 500)
    assert.equal((await uaa.get('/Users?startIndex=-3', token)).json.startIndex, 1)
    assert.equal((await uaa.get('/Users?count=many', token)).status, 400)
  })

  test('PUT and PATCH change a user, and only the version that the client knows', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    const id = await uaa.createUser('gus', 'pw', token)
    const body = { ...cfUser('gustav', ''), phoneNumbers: [{ value: '555' }] }
    const put = (version: string) =>
      uaa.request('PUT', `/Users/${id}`, { token, body, headers: { 'If-Match': version } })
    assert.equal((await uaa.request('PUT', `/Users/${id}`, { token, body })).status, 400)
    assert.equal((await put('"new"')).status, 400)
    const updated = await put('"0"')
    assert.deepEqual([updated.status, updated.json.userName, updated.headers.get('etag')], [200, 'gustav', '"1"'])
    const late = await put('0')
    assert.deepEqual([late.status, late.json.error], [409, 'scim_resource_conflict'])
    const patched = await uaa.request('PATCH', `/Users/${id}`, {
      token,
      body: { name: { givenName: 'Gustav' }, active: false },
      headers: { 'If-Match': '*' },
    })
    assert.equal(patched.status, 200)
    assert.deepEqual(patched.json.name, { familyName: 'gustav', givenName: 'Gustav' })
    assert.deepEqual(patched.json.phoneNumbers, [{ value: '555' }])
    assert.equal((await uaa.logIn('gustav', 'pw')).status, 401, 'a deactivated user can not log in')
    const taken = await uaa.request('PATCH', `/Users/${id}`, {
      token,
      body: { userName: 'admin' },
      headers: { 'If-Match': '*' },
    })
    assert.equal(taken.status, 409)
  })

  test('users see and rename themselves, and may do nothing else', async (t) => {
    const uaa = await startTestUaa(t, { admin: { username: 'admin', password: 'admin' } })
    const admin = await uaa.userToken()
    const id = await uaa.createUser('hal', 'pw', admin)
    const otherId = await uaa.createUser('ida', 'pw', admin)
    const token = await uaa.userToken('hal', 'pw')
    assert.equal((await uaa.get(`/Users/${id}`, token)).status, 200)
    const patch = (body: unknown, userId = id) =>
      uaa.request('PATCH', `/Users/${userId}`, { token, body, headers: { 'If-Match': '*' } })
    assert.equal((await patch({ name: { givenName: 'HAL', familyName: '9000' } })).status, 200)
    for (const body of [
      { userName: 'dave' },
      { verified: false },
      { emails: [{ value: 'x@y' }] },
      { origin: 'ldap' },
    ]) {
      const { status, json } = await patch(body)
      assert.deepEqual([status, json.error], [403, 'invalid_self_edit'], JSON.stringify(body))
    }
    const refused = await Promise.all([
      uaa.get('/Users', token),
      uaa.get(`/Users/${otherId}`, token),
      patch({ name: { givenName: 'x' } }, otherId),
      uaa.request('DELETE', `/Users/${id}`, { token }),
      uaa.request('POST', '/Users', { token, body: cfUser('jim', 'pw') }),
    ])
    for (const { status, json, headers } of refused) {
      assert.deepEqual([status, json.error], [403, 'insufficient_scope'])
      assert.equal(json.error_description, 'Insufficient scope for this resource')
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer realm="UAA\/oauth", error="insufficient_scope"/)
    }
    assert.equal(refused[0]?.json.scope, 'uaa.admin scim.read')
  })

  test('DELETE ends the user and the tokens', async (t) => {
    const uaa = await startTestUaa(t)
    const admin = await uaa.userToken()
    const id = await uaa.createUser('kim', 'pw', admin)
    const { json: login } = await uaa.logIn('kim', 'pw')
    const { status, json } = await uaa.request('DELETE', `/Users/${id}`, { token: admin })
    assert.deepEqual([status, json.id, json.userName], [200, id, 'kim'])
    const again = await uaa.request('DELETE', `/Users/${id}`, { token: admin })
    assert.equal(again.status, 404)
    assert.deepEqual(again.json, {
      error: 'scim_resource_not_found',
      error_description: `User ${id} does not exist`,
      message: `User ${id} does not exist`,
    })
    assert.equal((await uaa.logIn('kim', 'pw')).status, 401)
    assert.equal((await uaa.get('/userinfo', String(login.access_token))).status, 401)
    const refresh = await uaa.tokenRequest({ grant_type: 'refresh_token', refresh_token: String(login.refresh_token) })
    assert.deepEqual([refresh.status, refresh.json.error], [401, 'invalid_token'])
  })

  test('without a token the answer is 401', async (t) => {
    const uaa = await startTestUaa(t)
    const { status, json, headers } = await uaa.get('/Users')
    assert.equal(status, 401)
    assert.deepEqual(json, {
      error: 'unauthorized',
      error_description: 'Full authentication is required to access this resource',
    })
    assert.equal(
      headers.get('www-authenticate'),
      'Bearer realm="UAA/oauth", error="unauthorized", error_description="Full authentication is required to access this resource"',
    )
  })
})

suite('PUT /Users/:id/password', () => {
  test('changes the own password, as cf passwd does, and ends tokens of the old one', async (t) => {
    const uaa = await startTestUaa(t)
    const id = await uaa.createUser('lea', 'old-pass', await uaa.userToken())
    const { json: login } = await uaa.logIn('lea', 'old-pass')
    const token = String(login.access_token)
    const change = (oldPassword: string | undefined, password: string) =>
      uaa.request('PUT', `/Users/${id}/password`, { token, body: { oldPassword, password } })
    const wrong = await change('no', 'new-pass')
    assert.deepEqual([wrong.status, wrong.json.error_description], [401, 'Old password is incorrect'])
    assert.equal(wrong.json.error, 'unauthorized')
    const without = await change(undefined, 'new-pass')
    assert.deepEqual([without.status, without.json.error], [400, 'invalid_password'])
    const same = await change('old-pass', 'old-pass')
    assert.deepEqual([same.status, same.json.error], [422, 'invalid_password'])
    assert.equal(same.json.error_description, 'Your new password cannot be the same as the old password.')
    const empty = await change('old-pass', '')
    assert.deepEqual([empty.status, empty.json.error], [422, 'invalid_password'])
    const done = await change('old-pass', 'new-pass')
    assert.deepEqual([done.status, done.json], [200, { status: 'ok', message: 'password updated' }])
    assert.equal((await uaa.logIn('lea', 'old-pass')).status, 401)
    assert.equal((await uaa.logIn('lea', 'new-pass')).status, 200)
    const old = await uaa.get('/userinfo', token)
    assert.deepEqual([old.status, old.json.error_description], [401, 'revocable signature mismatch'])
    const refresh = await uaa.tokenRequest({ grant_type: 'refresh_token', refresh_token: String(login.refresh_token) })
    assert.deepEqual([refresh.status, refresh.json.error], [401, 'invalid_token'])
  })

  test("does not change another's, but a client with password.write may", async (t) => {
    const setter = { id: 'setter', secret: 's3cret-of-setter', authorizedGrantTypes: ['client_credentials' as const] }
    const uaa = await startTestUaa(t, { clients: [{ ...setter, authorities: ['password.write'] }] })
    const admin = await uaa.userToken()
    const id = await uaa.createUser('max', 'pw', admin)
    const change = (token: string) =>
      uaa.request('PUT', `/Users/${id}/password`, { token, body: { password: 'other-pass' } })
    const refused = await change(admin)
    assert.deepEqual([refused.status, refused.json.error], [400, 'invalid_password'])
    assert.equal(refused.json.error_description, "Not permitted to change another user's password")
    assert.equal((await change(await uaa.clientToken('setter', setter.secret))).status, 200)
    assert.equal((await uaa.logIn('max', 'other-pass')).status, 200)
  })

  test('is guarded like a login: a stolen token is no way to guess the password', async (t) => {
    const uaa = await startTestUaa(t)
    const id = await uaa.createUser('ned', 'pw', await uaa.userToken())
    const token = await uaa.userToken('ned', 'pw')
    const guess = (oldPassword: string) =>
      uaa.request('PUT', `/Users/${id}/password`, { token, body: { oldPassword, password: 'x' } })
    for (let n = 0; n < 5; n += 1) assert.equal((await guess(`guess ${n}`)).status, 401)
    const right = await guess('pw')
    assert.equal(right.status, 401)
    assert.match(String(right.json.error_description), /^Your account has been locked/)
  })
})

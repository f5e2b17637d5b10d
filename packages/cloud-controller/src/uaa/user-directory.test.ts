import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { ApiError } from '../errors/api-error.ts'
import { FakeUaa } from '../testing/fake-uaa.ts'
import { uaaUserDirectory } from './user-directory.ts'

/** A UAA with these users, which takes filters for what they say only as far as a test looks. */
async function given(t: TestContext, users: ReadonlyArray<{ id: string; userName: string; origin?: string }> = []) {
  const uaa = await FakeUaa.open(t)
  const state = {
    tokens: 0,
    revoked: new Set<string>(),
    filters: [] as string[],
    created: [] as unknown[],
    status: 201,
  }
  uaa.answer = (request, answer) => {
    const url = new URL(request.url ?? '', uaa.url)
    const { authorization = '' } = request.headers
    if (url.pathname === '/oauth/token') {
      state.tokens += 1
      const basic = `Basic ${Buffer.from('controller:secret').toString('base64')}`
      if (authorization !== basic) return answer(401, { error: 'unauthorized' })
      return answer(200, { access_token: `token-${state.tokens}`, token_type: 'bearer', expires_in: 600 })
    }
    if (state.revoked.has(authorization)) return answer(401, { error: 'invalid_token' })
    if (request.method === 'POST') {
      text(request).then(
        (body) => {
          state.created.push(JSON.parse(body))
          const existing = { error: 'scim_resource_already_exists', user_id: 'known' }
          answer(state.status, state.status === 409 ? existing : { id: 'new' })
        },
        (error) => answer(500, { error: String(error) }),
      )
      return undefined
    }
    state.filters.push(url.searchParams.get('filter') ?? '')
    const start = Number(url.searchParams.get('startIndex')) - 1
    const page = users.slice(start, start + Number(url.searchParams.get('count')))
    return answer(200, { resources: page, startIndex: start + 1, totalResults: users.length })
  }
  const client = (clientSecret = 'secret') => uaaUserDirectory({ url: uaa.url, clientId: 'controller', clientSecret })
  return { uaa, state, client, directory: client() }
}

const answers = (status: number, code: number) => (error: unknown) =>
  error instanceof ApiError && error.status === status && error.code === code

test('users are found by guid, name and part of a name, with one token for all', async (t) => {
  const { state, directory } = await given(t, [{ id: 'a', userName: 'ada' }])
  const ada = { guid: 'a', username: 'ada', origin: 'uaa' }
  assert.deepEqual(await directory.byGuids(['a', 'b']), new Map([['a', ada]]))
  assert.deepEqual(await directory.byUsernames(['ada'], ['uaa', 'ldap']), [ada])
  assert.deepEqual(await directory.byPartialUsernames(['a"d']), [ada])
  assert.deepEqual(state.filters, [
    '(id eq "a" or id eq "b")',
    '(username eq "ada") and (origin eq "uaa" or origin eq "ldap")',
    '(username co "a\\"d")',
  ])
  assert.equal(state.tokens, 1)
})

test('nobody is asked for no users, and many are asked for in parts', async (t) => {
  const { state, directory } = await given(t)
  assert.deepEqual(await directory.byGuids([]), new Map())
  assert.deepEqual(await directory.byUsernames([]), [])
  assert.equal(state.filters.length, 0)
  await directory.byGuids(Array.from({ length: 401 }, (_, index) => String(index)))
  assert.deepEqual(
    state.filters.map((filter) => filter.split(' or ').length),
    [200, 200, 1],
  )
})

test('more users than fit on a page are all found', async (t) => {
  const users = Array.from({ length: 1_001 }, (_, index) => ({ id: `id-${index}`, userName: `user-${index}` }))
  const { state, directory } = await given(t, users)
  assert.equal((await directory.byPartialUsernames(['user'])).length, 1_001)
  assert.equal(state.filters.length, 3)
})

test('a token that UAA does not take any more is replaced', async (t) => {
  const { state, directory } = await given(t, [{ id: 'a', userName: 'ada' }])
  await directory.byGuids(['a'])
  state.revoked.add('Bearer token-1')
  assert.equal((await directory.byGuids(['a'])).size, 1)
  assert.equal(state.tokens, 2)
  state.revoked.add('Bearer token-2').add('Bearer token-3')
  await assert.rejects(directory.byGuids(['a']), answers(503, 20_004))
})

test('a user of another identity provider gets an account; one that exists is found', async (t) => {
  const { state, directory } = await given(t)
  assert.equal(await directory.createShadowUser('ada', 'ldap'), 'new')
  assert.deepEqual(state.created, [{ userName: 'ada', origin: 'ldap', emails: [{ primary: true, value: 'ada' }] }])
  state.status = 409
  assert.equal(await directory.createShadowUser('ada', 'ldap'), 'known')
  state.status = 429
  await assert.rejects(directory.createShadowUser('ada', 'ldap'), (error) => {
    assert.ok(error instanceof ApiError)
    const seconds = Number(error.headers['Retry-After'])
    return error.status === 429 && error.code === 20_008 && seconds >= 5 && seconds <= 20
  })
})

test('a UAA that is away, refuses us or talks nonsense is UaaUnavailable', async (t) => {
  const { uaa, client, directory } = await given(t)
  await assert.rejects(client('wrong').byGuids(['a']), answers(503, 20_004))
  uaa.isDown = true
  await assert.rejects(directory.byGuids(['a']), answers(503, 20_004))
  await assert.rejects(directory.createShadowUser('ada', 'ldap'), answers(503, 20_004))
  uaa.isDown = false
  uaa.answer = (_, answer) => answer(200, { surprise: true })
  await assert.rejects(directory.byGuids(['a']), answers(503, 20_004))
  const nobody = uaaUserDirectory({ url: 'http://127.0.0.1:1', clientId: 'x', clientSecret: 'y' })
  await assert.rejects(nobody.byUsernames(['ada']), answers(503, 20_004))
})

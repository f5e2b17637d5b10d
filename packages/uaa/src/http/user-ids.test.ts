import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { cfUser, namesIn, startTestUaa } from '../uaa-under-test.ts'

const lookup = {
  id: 'cloud_controller_username_lookup',
  secret: 'secret of the lookup client',
  authorizedGrantTypes: ['client_credentials' as const],
  authorities: ['scim.userids', 'scim.read'],
}
const path = (filter: string, more = '') => `/ids/Users?filter=${encodeURIComponent(filter)}${more}`

suite('/ids/Users', () => {
  test('tells the Cloud Controller the names of ids and the ids of names', async (t) => {
    const uaa = await startTestUaa(t, { clients: [lookup] })
    const admin = await uaa.userToken()
    const id = await uaa.createUser('amy', 'pw', admin)
    const shadow = await uaa.request('POST', '/Users', { token: admin, body: cfUser('amy', '', 'ldap') })
    const token = await uaa.clientToken(lookup.id, lookup.secret)
    const { status, json } = await uaa.get(path(`id eq "${id}" or id eq "nobody"`), token)
    assert.equal(status, 200)
    assert.deepEqual(json, {
      resources: [{ origin: 'uaa', id, userName: 'amy' }],
      startIndex: 1,
      itemsPerPage: 100,
      totalResults: 1,
      schemas: ['urn:scim:schemas:core:1.0'],
    })
    const byName = await uaa.get(path('origin eq "ldap" and username eq "AMY"', '&includeInactive=true'), token)
    assert.deepEqual(byName.json.resources, [{ origin: 'ldap', id: shadow.json.id, userName: 'amy' }])
  })

  test('takes 200 ids in one request', async (t) => {
    const uaa = await startTestUaa(t, { clients: [lookup] })
    const admin = await uaa.userToken()
    const id = await uaa.createUser('bea', 'pw', admin)
    const ids = [...Array.from({ length: 199 }, () => crypto.randomUUID()), id]
    const filter = ids.map((one) => `id eq "${one}"`).join(' or ')
    const answer = await uaa.get(path(filter, '&count=200'), await uaa.clientToken(lookup.id, lookup.secret))
    assert.deepEqual(namesIn(answer), ['bea'])
  })

  test('leaves out inactive users unless asked', async (t) => {
    const uaa = await startTestUaa(t, { clients: [lookup] })
    const admin = await uaa.userToken()
    const id = await uaa.createUser('cyd', 'pw', admin)
    const patch = { token: admin, body: { active: false }, headers: { 'If-Match': '*' } }
    assert.equal((await uaa.request('PATCH', `/Users/${id}`, patch)).status, 200)
    const token = await uaa.clientToken(lookup.id, lookup.secret)
    const filter = 'id eq "x" or userName eq "cyd"'
    assert.deepEqual(namesIn(await uaa.get(path(filter), token)), [])
    assert.deepEqual(namesIn(await uaa.get(path(filter, '&includeInactive=true'), token)), ['cyd'])
  })

  test('lets nobody browse', async (t) => {
    const uaa = await startTestUaa(t, { clients: [lookup] })
    const token = await uaa.clientToken(lookup.id, lookup.secret)
    const cases = [
      ['', "a 'filter' parameter is required"],
      ['id pr', 'Wildcards are not allowed in filter.'],
      ['userName co "a"', 'Wildcards are not allowed in filter.'],
      ['userName gt "a"', 'Invalid operator.'],
      ['origin eq "uaa"', 'Invalid filter attribute.'],
      ['id eq "x" or email eq "y"', 'Invalid filter attribute.'],
      ['id eq "x") or (id pr', `Invalid filter 'id eq "x") or (id pr'`],
    ] as const
    for (const [filter, description] of cases) {
      const { status, json } = await uaa.get(path(filter), token)
      assert.deepEqual([status, json.error, json.error_description], [400, 'scim', description])
    }
    const { status } = await uaa.get(path('id eq "x"'), await uaa.userToken())
    assert.equal(status, 403)
  })
})

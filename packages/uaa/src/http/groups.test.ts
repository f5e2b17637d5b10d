import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startTestUaa } from '../uaa-under-test.ts'

suite('/Groups', () => {
  test('a membership gives a user a scope at the next login, and its end takes the scope from tokens at once', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    const userId = await uaa.createUser('ada', 'pw', token)
    const groupId = await uaa.groupId('cloud_controller.admin_read_only', token)
    const add = () => uaa.request('POST', `/Groups/${groupId}/members`, { token, body: { value: userId } })
    const added = await add()
    assert.deepEqual([added.status, added.json], [201, { origin: 'uaa', type: 'USER', value: userId }])
    const again = await add()
    assert.deepEqual([again.status, again.json.error], [409, 'member_already_exists'])
    const { json: login } = await uaa.logIn('ada', 'pw')
    assert.ok(String(login.scope).split(' ').includes('cloud_controller.admin_read_only'))
    const member = await uaa.get(`/Groups/${groupId}/members/${userId}`, token)
    assert.deepEqual(member.json, added.json)

    const removed = await uaa.request('DELETE', `/Groups/${groupId}/members/${userId}`, { token })
    assert.equal(removed.status, 200)
    const old = await uaa.get('/userinfo', String(login.access_token))
    assert.equal(old.status, 401)
    assert.equal(old.json.error_description, 'Some required "scope" are missing: [cloud_controller.admin_read_only]')
    const refreshed = await uaa.tokenRequest({
      grant_type: 'refresh_token',
      refresh_token: String(login.refresh_token),
    })
    assert.deepEqual([refreshed.status, refreshed.json.error], [401, 'invalid_token'])
    assert.equal((await uaa.request('DELETE', `/Groups/${groupId}/members/${userId}`, { token })).status, 404)
  })

  test('lose a user who is deleted', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    const userId = await uaa.createUser('abe', 'pw', token)
    const groupId = await uaa.groupId('network.write', token)
    await uaa.request('POST', `/Groups/${groupId}/members`, { token, body: { value: userId } })
    assert.equal((await uaa.request('DELETE', `/Users/${userId}`, { token })).status, 200)
    assert.deepEqual((await uaa.get(`/Groups/${groupId}`, token)).json.members, [])
  })

  test('a group may be a member of another', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    const userId = await uaa.createUser('ben', 'pw', token)
    const auditors = await uaa.request('POST', '/Groups', {
      token,
      body: { displayName: 'auditors', members: [{ value: userId, type: 'user' }] },
    })
    assert.equal(auditors.status, 201)
    const groupId = await uaa.groupId('cloud_controller.global_auditor', token)
    const nested = { value: auditors.json.id, type: 'GROUP' }
    assert.equal((await uaa.request('POST', `/Groups/${groupId}/members`, { token, body: nested })).status, 201)
    const back = { value: groupId, type: 'GROUP' }
    const ring = await uaa.request('POST', `/Groups/${auditors.json.id}/members`, { token, body: back })
    assert.equal(ring.status, 201, 'UAA allows it, and nothing must loop')
    const { json } = await uaa.logIn('ben', 'pw')
    assert.ok(String(json.scope).includes('cloud_controller.global_auditor'))
    const user = await uaa.get(`/Users/${userId}`, token)
    assert.match(user.text, /"display":"cloud_controller.global_auditor","type":"INDIRECT"/)
    assert.match(user.text, /"display":"auditors","type":"DIRECT"/)
  })

  test('are created, listed, replaced and deleted', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    const userId = await uaa.createUser('cleo', 'pw', token)
    const created = await uaa.request('POST', '/Groups', { token, body: { displayName: 'team', description: 'Us' } })
    const { id, meta: _, ...rest } = created.json
    assert.deepEqual(rest, {
      displayName: 'team',
      zoneId: 'uaa',
      description: 'Us',
      members: [],
      schemas: ['urn:scim:schemas:core:1.0'],
    })
    const twice = await uaa.request('POST', '/Groups', { token, body: { displayName: 'TEAM' } })
    assert.deepEqual([twice.status, twice.json.error], [409, 'scim_resource_already_exists'])
    const put = (version: string) =>
      uaa.request('PUT', `/Groups/${id}`, {
        token,
        body: { displayName: 'crew', members: [{ value: userId }] },
        headers: { 'If-Match': version },
      })
    const replaced = await put('0')
    assert.deepEqual([replaced.status, replaced.json.displayName], [200, 'crew'])
    assert.deepEqual(replaced.json.members, [{ origin: 'uaa', type: 'USER', value: userId }])
    assert.equal((await put('0')).status, 409)
    const listed = await uaa.get(`/Groups?filter=${encodeURIComponent('displayName eq "CREW"')}&attributes=id`, token)
    assert.deepEqual(listed.json.resources, [{ id }])
    assert.equal((await uaa.request('DELETE', `/Groups/${id}`, { token })).status, 200)
    assert.deepEqual((await uaa.get(`/Groups/${id}`, token)).json.error, 'scim_resource_not_found')
  })

  test('refuse nobody as a member, default groups, and users without rights', async (t) => {
    const uaa = await startTestUaa(t)
    const token = await uaa.userToken()
    const userId = await uaa.createUser('dan', 'pw', token)
    const scimRead = await uaa.groupId('scim.read', token)
    const add = (groupId: string, body: unknown, by = token) =>
      uaa.request('POST', `/Groups/${groupId}/members`, { token: by, body })
    assert.equal((await add(scimRead, { value: 'nobody' })).json.error, 'invalid_scim_resource')
    assert.equal((await add(scimRead, { value: scimRead, type: 'GROUP' })).json.error, 'invalid_scim_resource')
    assert.equal((await add(scimRead, {})).status, 400)
    assert.equal((await add('nowhere', { value: userId })).status, 404)
    const toDefault = await add(await uaa.groupId('openid', token), { value: userId })
    assert.deepEqual([toDefault.status, toDefault.json.error], [409, 'member_already_exists'])
    const own = await uaa.userToken('dan', 'pw')
    assert.equal((await add(scimRead, { value: userId }, own)).status, 403)
    assert.equal((await uaa.get('/Groups', own)).status, 403)
    const half = await uaa.request('POST', '/Groups', {
      token,
      body: { displayName: 'half', members: [{ value: userId }, { value: 'nobody' }] },
    })
    assert.equal(half.status, 400)
    const left = await uaa.get(`/Groups?filter=${encodeURIComponent('displayName eq "half"')}`, token)
    assert.equal(left.json.totalResults, 0, 'nothing is left of a group that was refused')
  })
})

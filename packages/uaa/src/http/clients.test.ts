import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { claimsOf, startTestUaa } from '../uaa-under-test.ts'

const operator = {
  id: 'operator',
  secret: 'secret of the operator',
  authorizedGrantTypes: ['client_credentials' as const],
  authorities: ['clients.admin', 'clients.read'],
}
const broker = {
  client_id: 'broker',
  client_secret: 'secret of the broker',
  authorized_grant_types: ['client_credentials'],
  authorities: ['cloud_controller.read', 'clients.secret'],
}

suite('/oauth/clients', () => {
  test('a client is created, read, changed and deleted', async (t) => {
    const uaa = await startTestUaa(t, { clients: [operator] })
    const token = await uaa.clientToken(operator.id, operator.secret)
    const created = await uaa.request('POST', '/oauth/clients', { token, body: broker })
    assert.equal(created.status, 201)
    const { lastModified, ...rest } = created.json
    assert.equal(typeof lastModified, 'number')
    assert.deepEqual(rest, {
      client_id: 'broker',
      scope: ['uaa.none'],
      resource_ids: ['none'],
      authorized_grant_types: ['client_credentials'],
      autoapprove: false,
      authorities: ['cloud_controller.read', 'clients.secret'],
    })
    assert.equal((await uaa.request('POST', '/oauth/clients', { token, body: broker })).status, 409)
    const own = await uaa.clientToken('broker', broker.client_secret)
    assert.deepEqual(claimsOf(own).aud, ['broker', 'cloud_controller', 'clients'])

    const changed = { ...broker, authorities: 'cloud_controller.write,clients.secret', access_token_validity: 30 }
    const put = await uaa.request('PUT', '/oauth/clients/broker', { token, body: changed })
    assert.deepEqual(put.json.authorities, ['cloud_controller.write', 'clients.secret'])
    const narrowed = await uaa.get('/oauth/clients/broker', own)
    assert.equal(narrowed.status, 401, 'its token held an authority that it lost')

    const listed = await uaa.get('/oauth/clients?count=2', token)
    assert.deepEqual([listed.json.totalResults, (listed.json.resources as unknown[]).length], [3, 2])
    assert.ok(!listed.text.includes('secret of'))
    assert.ok(!listed.text.includes('scrypt'))
    assert.equal((await uaa.request('DELETE', '/oauth/clients/broker', { token })).status, 200)
    const gone = await uaa.get('/oauth/clients/broker', token)
    assert.deepEqual([gone.status, gone.json.error_description], [404, 'No client with requested id: broker'])
  })

  test('a client changes its own secret, which ends its tokens, and no other', async (t) => {
    const uaa = await startTestUaa(t, { clients: [operator] })
    const token = await uaa.clientToken(operator.id, operator.secret)
    await uaa.request('POST', '/oauth/clients', { token, body: broker })
    const own = await uaa.clientToken('broker', broker.client_secret)
    const change = (id: string, by: string, body: unknown) =>
      uaa.request('PUT', `/oauth/clients/${id}/secret`, { token: by, body })
    assert.equal((await change('broker', own, { oldSecret: 'wrong', secret: 'new' })).status, 401)
    assert.equal((await change('operator', own, { oldSecret: operator.secret, secret: 'new' })).status, 403)
    const changed = await change('broker', own, { oldSecret: broker.client_secret, secret: 'the new secret' })
    assert.deepEqual(changed.json, { status: 'ok', message: 'secret updated' })
    const old = await uaa.tokenRequest({ grant_type: 'client_credentials' }, `broker:${broker.client_secret}`)
    assert.equal(old.status, 401)
    assert.ok(await uaa.clientToken('broker', 'the new secret'))
    assert.equal((await change('broker', own, { oldSecret: 'the new secret', secret: 'x' })).status, 401)
    assert.equal((await change('broker', token, { secret: 'set by the operator' })).status, 200)
    assert.ok(await uaa.clientToken('broker', 'set by the operator'))
  })

  test('refuses clients that could not work, or that anybody could be', async (t) => {
    const uaa = await startTestUaa(t, { clients: [operator] })
    const token = await uaa.clientToken(operator.id, operator.secret)
    for (const body of [
      { ...broker, client_secret: '' },
      { ...broker, authorized_grant_types: [] },
      { ...broker, authorized_grant_types: ['implicit'] },
      { ...broker, redirect_uri: ['nowhere'] },
      { ...broker, client_id: '' },
      'no json',
    ]) {
      const { status, json } = await uaa.request('POST', '/oauth/clients', { token, body })
      assert.deepEqual([status, json.error], [400, 'invalid_client'], JSON.stringify(body))
    }
  })

  test('answers cf set-org-role --client: 404 for nobody, 403 without clients.read', async (t) => {
    const uaa = await startTestUaa(t)
    const admin = await uaa.userToken()
    assert.equal((await uaa.get('/oauth/clients/cf', admin)).status, 200)
    assert.equal((await uaa.get('/oauth/clients/nobody', admin)).status, 404)
    await uaa.createUser('eli', 'pw', admin)
    const { status, json } = await uaa.get('/oauth/clients/cf', await uaa.userToken('eli', 'pw'))
    assert.deepEqual([status, json.error], [403, 'insufficient_scope'])
    const change = await uaa.request('DELETE', '/oauth/clients/cf', { token: admin })
    assert.equal(change.status, 403)
  })

  test('the configuration wins at the next start', async (t) => {
    const uaa = await startTestUaa(t, { clients: [operator] })
    const token = await uaa.clientToken(operator.id, operator.secret)
    await uaa.request('POST', '/oauth/clients', { token, body: broker })
    await uaa.request('PUT', '/oauth/clients/operator/secret', { token, body: { secret: 'another secret' } })
    assert.ok(await uaa.clientToken('operator', 'another secret'))
    await uaa.stop()

    const { dataDirectory } = uaa
    const again = await startTestUaa(t, { dataDirectory, clients: [operator] })
    assert.ok(await again.clientToken('operator', operator.secret))
    assert.ok(await again.clientToken('broker', broker.client_secret), 'one of the API stays')
    await again.stop()

    const without = await startTestUaa(t, { dataDirectory })
    const { status } = await without.tokenRequest({ grant_type: 'client_credentials' }, `operator:${operator.secret}`)
    assert.equal(status, 401)
    assert.ok(await without.clientToken('broker', broker.client_secret))
  })
})

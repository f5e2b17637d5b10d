import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../testing/test-controller.ts'
import { apiVersion } from './root-documents.ts'

test('the root names what there is, has null for services that are not there, and nothing of v2 while it is not served', async (t) => {
  const { anonymous } = await testController(t, { logCacheUrl: 'http://logs.example.org' })
  const { status, body } = await anonymous.get('/')
  assert.equal(status, 200)
  const api = 'http://api.example.org'
  assert.deepEqual(body.links, {
    self: { href: api },
    cloud_controller_v3: { href: `${api}/v3`, meta: { version: apiVersion } },
    network_policy_v0: { href: `${api}/networking/v0/external` },
    network_policy_v1: { href: `${api}/networking/v1/external` },
    login: { href: 'http://uaa.example.org' },
    uaa: { href: 'http://uaa.example.org' },
    credhub: null,
    routing: null,
    logging: null,
    log_cache: { href: 'http://logs.example.org' },
    log_stream: null,
    app_ssh: null,
  })
})

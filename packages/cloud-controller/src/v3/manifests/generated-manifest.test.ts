import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { givenApp, givenDroplet, givenSpace } from '../../testing/factories.ts'
import { assertRoleTable, clientsOfAllRoles } from '../../testing/role-table.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'

const yaml = { 'content-type': 'application/x-yaml' }

async function fixture(t: TestContext) {
  const controller = await testController(t)
  return { ...controller, ...(await givenSpace(controller)) }
}

async function apply({ admin }: TestController, spaceGuid: string, manifest: string): Promise<void> {
  const answer = await admin.post(`/v3/spaces/${spaceGuid}/actions/apply_manifest`, manifest, yaml)
  assert.equal(answer.status, 202, JSON.stringify(answer.body))
  const { body } = await admin.get(new URL(answer.headers.get('location') ?? '').pathname)
  assert.deepEqual(body.errors, [])
}

test('the manifest of a new app says its defaults', async (t) => {
  const f = await fixture(t)
  const { guid } = await givenApp(f, f.spaceGuid, 'hello')
  const { status, body, headers } = await f.admin.get(`/v3/apps/${guid}/manifest`)
  assert.deepEqual([status, headers.get('content-type')], [200, 'application/x-yaml; charset=utf-8'])
  assert.equal(
    body,
    `---
applications:
- name: hello
  lifecycle: buildpack
  stack: cflinuxfs4
  features:
    ssh: true
    revisions: true
    service-binding-k8s: false
    file-based-vcap-services: false
  processes:
  - type: web
    instances: 1
    memory: 1024M
    disk_quota: 1024M
    log-rate-limit-per-second: 1M
    health-check-type: port
    readiness-health-check-type: process
`,
  )
})

const full = `---
applications:
- name: shop
  env:
    GREETING: 'yes: no'
    LINES: |
      one
      two
    NUMBER: '10'
  lifecycle: buildpack
  buildpacks:
  - https://user:secret@example.org/bp.git
  stack: cflinuxfs4
  features:
    ssh: false
    revisions: true
    service-binding-k8s: false
    file-based-vcap-services: false
  routes:
  - route: a.apps.localhost/path
    protocol: http1
    options: {}
  - route: b.apps.localhost
    protocol: http2
    options:
      loadbalancing: round-robin
  metadata:
    labels:
      example.org/tier: front
    annotations:
      contact: me
  processes:
  - type: web
    instances: 2
    memory: 64M
    disk_quota: 128M
    log-rate-limit-per-second: -1
    command: node server.js
    user: vcap
    health-check-type: http
    health-check-http-endpoint: /health
    health-check-invocation-timeout: 2
    health-check-interval: 7
    readiness-health-check-type: http
    readiness-health-check-http-endpoint: /ready
    readiness-health-check-invocation-timeout: 3
    readiness-health-check-interval: 5
    timeout: 30
  - type: worker
    instances: 0
    memory: 1024M
    disk_quota: 1024M
    log-rate-limit-per-second: 1500B
    health-check-type: process
    readiness-health-check-type: process
  sidecars:
  - name: audit
    process_types:
    - web
    - worker
    command: ./audit
  - name: proxy
    process_types:
    - web
    command: ./proxy
    memory: 16M
`

test('applying the generated manifest of an app gives an app with the same manifest, and no difference', async (t) => {
  const f = await fixture(t)
  await apply(f, f.spaceGuid, full)
  const { body: found } = await f.admin.get(`/v3/apps?names=shop`)
  const { body } = await f.admin.get(`/v3/apps/${found.resources[0].guid}/manifest`)
  assert.equal(body, full)
  const { body: difference } = await f.admin.post(`/v3/spaces/${f.spaceGuid}/manifest_diff`, full, yaml)
  assert.deepEqual(difference, { diff: [] })
})

test('the manifest of a Docker app names its image', async (t) => {
  const f = await fixture(t)
  await f.admin.patch('/v3/feature_flags/diego_docker', { enabled: true })
  await apply(f, f.spaceGuid, '{applications: [{name: a, docker: {image: nginx}}]}')
  const { guid } = (await f.admin.get('/v3/apps?names=a')).body.resources[0]
  const relationships = { app: { data: { guid } } }
  const data = { image: 'example.org/nginx', username: 'me', password: 's3cret' }
  const { body: made } = await f.admin.post('/v3/packages', { type: 'docker', relationships, data })
  const droplet = await givenDroplet(f, guid, { package_guid: made.guid, lifecycle_type: 'docker' })
  await f.db.updateTable('apps').set({ droplet_guid: droplet }).where('guid', '=', guid).execute()
  const { body } = await f.admin.get(`/v3/apps/${guid}/manifest`)
  assert.equal(
    body.slice(0, body.indexOf('  features:')),
    `---
applications:
- name: a
  lifecycle: docker
  docker:
    image: example.org/nginx
    username: me
`,
  )
})

test('who may read the manifest of an app', async (t) => {
  const f = await fixture(t)
  const { guid } = await givenApp(f, f.spaceGuid)
  await assertRoleTable(
    await clientsOfAllRoles(f, f),
    (client) => client.get(`/v3/apps/${guid}/manifest`),
    {
      admin: 200,
      admin_read_only: 200,
      space_developer: 200,
      org_auditor: 404,
      org_billing_manager: 404,
      org_user: 404,
      no_role: 404,
    },
    403,
  )
})

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { givenSpace } from '../../testing/factories.ts'
import { testController } from '../../testing/test-controller.ts'

const yaml = { 'content-type': 'application/x-yaml' }

const existing = `
applications:
- name: hello
  env: { A: b, N: "10" }
  buildpacks: [https://example.org/one.git, https://example.org/two.git]
  stack: cflinuxfs4
  metadata: { labels: { tier: front } }
  routes: [{ route: a.apps.localhost }, { route: b.apps.localhost }, { route: c.apps.localhost }]
  processes:
  - { type: web, memory: 256M, instances: 2, log-rate-limit-per-second: 1M }
  - { type: worker, memory: 64M, log-rate-limit-per-second: -1 }
  sidecars: [{ name: proxy, command: ./proxy, process_types: [web], memory: 16M }]
`

/** A controller that has applied `existing`, as a function from an app's manifest to the difference. */
async function differ(t: TestContext) {
  const controller = await testController(t)
  const { spaceGuid } = await givenSpace(controller)
  await controller.admin.post(`/v3/spaces/${spaceGuid}/actions/apply_manifest`, existing, yaml)
  return async (...apps: string[]) => {
    const manifest = `applications:\n${apps.map((app) => `- ${app}\n`).join('')}`
    const { status, body } = await controller.admin.post(`/v3/spaces/${spaceGuid}/manifest_diff`, manifest, yaml)
    assert.equal(status, 201, JSON.stringify(body))
    assert.deepEqual(Object.keys(body), ['diff'])
    return body.diff
  }
}

test('everything of an app that is not there is an addition', async (t) => {
  const diff = await differ(t)
  const web = { type: 'web', memory: '1024M' }
  assert.deepEqual(
    await diff(
      '{name: hello}',
      '{name: new, memory: 1G, disk_quota: 1G, instances: 2, processes: [{type: web, memory: 1G}], default-route: true}',
    ),
    [
      { op: 'add', path: '/applications/1/name', value: 'new' },
      { op: 'add', path: '/applications/1/instances', value: 2 },
      { op: 'add', path: '/applications/1/processes', value: [web] },
      { op: 'add', path: '/applications/1/default-route', value: true },
    ],
  )
})

test('what the manifest does not speak of, unknown keys, and the same in other units are no difference', async (t) => {
  const diff = await differ(t)
  for (const app of [
    '{name: hello, unknown: 1}',
    '{name: hello, memory: 99G, disk_quota: 99G, log-rate-limit-per-second: 1024K}',
    '{name: hello, processes: [{type: web, memory: 0.25GB, unknown: 1}]}',
    '{name: hello, processes: [{type: worker, log-rate-limit-per-second: -1}, {type: web, instances: 2}]}',
    '{name: hello, routes: [{route: c.apps.localhost}, {route: a.apps.localhost, protocol: http1}]}',
    '{name: hello, env: {A: b, N: 10}, features: {ssh: true}}',
    '{name: hello, sidecars: [{name: proxy, command: ./proxy, process_types: [web], unknown: 1}]}',
  ])
    assert.deepEqual(await diff(app), [], app)
})

test('changed values are replaced, new ones added, missing variables and labels removed', async (t) => {
  const diff = await differ(t)
  const changed = `name: hello
  stack: other
  random-route: true
  env: { A: c, NEW: 1 }
  features: { ssh: false, revisions: true }
  metadata: { labels: { tier: back }, annotations: { a: b } }
  instances: 5
  command: run
  log-rate-limit-per-second: 0
  health-check-type: process
  processes:
  - { type: worker, memory: 1G, command: work }
  - { type: web, memory: 512M, timeout: 5 }
  sidecars:
  - { name: new, command: c, process_types: [web], memory: 1G }
  - { name: proxy, command: ./other, process_types: [web, worker], memory: 16M }
  routes:
  - { route: new.apps.localhost }
  - { route: b.apps.localhost, protocol: http2 }
  services: [db, { name: other, binding_name: b }]`
  const at = (path: string) => `/applications/0/${path}`
  assert.deepEqual(await diff(changed), [
    { op: 'replace', path: at('stack'), was: 'cflinuxfs4', value: 'other' },
    { op: 'add', path: at('random-route'), value: true },
    { op: 'remove', path: at('env/N'), was: '10' },
    { op: 'add', path: at('env/NEW'), value: 1 },
    { op: 'replace', path: at('env/A'), was: 'b', value: 'c' },
    { op: 'replace', path: at('features/ssh'), was: true, value: false },
    { op: 'add', path: at('metadata/annotations'), value: { a: 'b' } },
    { op: 'replace', path: at('metadata/labels/tier'), was: 'front', value: 'back' },
    { op: 'replace', path: at('instances'), was: 2, value: 5 },
    { op: 'add', path: at('command'), value: 'run' },
    { op: 'replace', path: at('log-rate-limit-per-second'), was: '1M', value: '0' },
    { op: 'replace', path: at('health-check-type'), was: 'port', value: 'process' },
    { op: 'add', path: at('processes/1/timeout'), value: 5 },
    { op: 'replace', path: at('processes/1/memory'), was: '256M', value: '512M' },
    { op: 'add', path: at('processes/0/command'), value: 'work' },
    { op: 'replace', path: at('processes/0/memory'), was: '64M', value: '1024M' },
    { op: 'add', path: at('sidecars/1/process_types/1'), value: 'worker' },
    { op: 'replace', path: at('sidecars/1/command'), was: './proxy', value: './other' },
    {
      op: 'add',
      path: at('sidecars/0'),
      value: { name: 'new', command: 'c', process_types: ['web'], memory: '1024M' },
    },
    { op: 'replace', path: at('routes/1/protocol'), was: 'http1', value: 'http2' },
    { op: 'add', path: at('routes/0'), value: { route: 'new.apps.localhost' } },
    { op: 'add', path: at('services'), value: ['db', { name: 'other' }] },
  ])
})

test('buildpacks are compared in their order', async (t) => {
  const diff = await differ(t)
  const [one, two] = ['https://example.org/one.git', 'https://example.org/two.git']
  assert.deepEqual(await diff(`{name: hello, buildpacks: ["${one}", "${two}"]}`), [])
  assert.deepEqual(await diff(`{name: hello, buildpacks: ["${two}", "${one}"]}`), [
    { op: 'remove', path: '/applications/0/buildpacks/1', was: two },
    { op: 'add', path: '/applications/0/buildpacks/0', value: two },
  ])
  assert.deepEqual(await diff('{name: hello, buildpacks: []}'), [
    { op: 'remove', path: '/applications/0/buildpacks/0', was: one },
    { op: 'remove', path: '/applications/0/buildpacks/1', was: two },
  ])
})

test('a diff changes nothing', async (t) => {
  const controller = await testController(t)
  const { spaceGuid } = await givenSpace(controller)
  await controller.admin.post(`/v3/spaces/${spaceGuid}/manifest_diff`, '{applications: [{name: new}]}', yaml)
  for (const table of ['apps', 'jobs', 'routes'] as const)
    assert.deepEqual(await controller.db.selectFrom(table).select('guid').execute(), [])
  const events = await controller.db.selectFrom('audit_events').select('type').execute()
  assert.deepEqual(
    events.filter(({ type }) => type.startsWith('audit.app')),
    [],
  )
})

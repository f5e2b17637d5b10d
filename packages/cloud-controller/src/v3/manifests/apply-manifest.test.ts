import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { givenApp, givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { assertRoleTable, clientsOfAllRoles } from '../../testing/role-table.ts'
import { type Client, type TestController, testController } from '../../testing/test-controller.ts'

const yaml = { 'content-type': 'application/x-yaml' }

interface Fixture extends TestController {
  readonly spaceGuid: string
  readonly organizationGuid: string
  /** Applies and returns the job as the first poll sees it. */
  apply(manifest: string, client?: Client): ReturnType<Client['get']>
  app(name: string): Promise<{ guid: string; [key: string]: unknown }>
}

async function fixture(t: TestContext): Promise<Fixture> {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const apply: Fixture['apply'] = async (manifest, client = controller.admin) => {
    const answer = await client.post(`/v3/spaces/${place.spaceGuid}/actions/apply_manifest`, manifest, yaml)
    assert.deepEqual([answer.status, answer.body], [202, ''])
    return client.get(new URL(answer.headers.get('location') ?? '').pathname)
  }
  const app: Fixture['app'] = async (name) => {
    const { body } = await controller.admin.get(`/v3/apps?names=${name}&space_guids=${place.spaceGuid}`)
    return body.resources[0]
  }
  return { ...controller, ...place, apply, app }
}

const routesOf = async ({ admin }: Fixture, appGuid: string): Promise<string[]> => {
  const { body } = await admin.get(`/v3/apps/${appGuid}/routes`)
  return body.resources.map((route: { url: string }) => route.url).sort()
}

test('what cf push sends for a new app makes it, stopped, with its default route; the job is over at the first poll', async (t) => {
  const f = await fixture(t)
  const { status, body } = await f.apply('---\napplications:\n- name: hello\n  default-route: true\n')
  assert.equal(status, 200)
  const { guid, created_at, updated_at, ...job } = body
  assert.deepEqual(job, {
    operation: 'space.apply_manifest',
    state: 'COMPLETE',
    errors: [],
    warnings: [],
    links: {
      self: { href: `http://api.example.org/v3/jobs/${guid}` },
      space: { href: `http://api.example.org/v3/spaces/${f.spaceGuid}` },
    },
  })
  const app = await f.app('hello')
  assert.equal(app.state, 'STOPPED')
  assert.deepEqual(await routesOf(f, app.guid), ['hello.apps.localhost'])
  await f.apply('---\napplications:\n- name: hello\n  default-route: true\n')
  assert.deepEqual(await routesOf(f, app.guid), ['hello.apps.localhost'])
})

test('a manifest sets everything of an app and leaves alone what it does not mention', async (t) => {
  const f = await fixture(t)
  const { guid } = await givenApp(f, f.spaceGuid, 'shop')
  await f.admin.patch(`/v3/apps/${guid}/environment_variables`, { var: { KEPT: 'yes', CHANGED: 'old' } })
  const { body: job } = await f.apply(`
version: 1
applications:
- name: shop
  stack: cflinuxfs4
  buildpacks: [https://user:secret@example.org/bp.git, "https://example.org/two.git"]
  env: { CHANGED: new, NUMBER: 10, EMPTY: ~, ON: yes, LETTER: y, BIG: 12345678901234567890 }
  features: { ssh: false }
  metadata:
    labels: { tier: front }
    annotations: { contact: me@example.org }
  routes:
  - route: shop.apps.localhost
    protocol: http2
    options: { loadbalancing: round-robin }
  - route: https://shop.apps.localhost/cart
  processes:
  - type: web
    command: node web.js
    instances: 3
    memory: 1.5G
    disk_quota: 512M
    log-rate-limit-per-second: 100K
    health-check-type: http
    health-check-http-endpoint: /health
    health-check-invocation-timeout: 2
    health-check-interval: 7
    readiness-health-check-type: port
    readiness-health-check-interval: 5
    timeout: 90
  - type: worker
    instances: 2
    memory: 64M
    health-check-type: none
  sidecars:
  - name: proxy
    process_types: [web]
    command: ./proxy
    memory: 32M
`)
  assert.deepEqual([job.state, job.errors], ['COMPLETE', []])

  const { body: variables } = await f.admin.get(`/v3/apps/${guid}/environment_variables`)
  assert.deepEqual(variables.var, {
    KEPT: 'yes',
    CHANGED: 'new',
    NUMBER: '10',
    EMPTY: '',
    ON: 'true',
    LETTER: 'y',
    BIG: '12345678901234567890',
  })
  const app = await f.app('shop')
  assert.deepEqual(app.metadata, { labels: { tier: 'front' }, annotations: { contact: 'me@example.org' } })
  assert.deepEqual(app.lifecycle, {
    type: 'buildpack',
    data: {
      buildpacks: ['https://***:***@example.org/bp.git', 'https://example.org/two.git'],
      stack: 'cflinuxfs4',
    },
  })
  assert.equal((await f.admin.get(`/v3/apps/${guid}/features/ssh`)).body.enabled, false)
  assert.deepEqual(await routesOf(f, guid), ['shop.apps.localhost', 'shop.apps.localhost/cart'])

  const { body: web } = await f.admin.get(`/v3/apps/${guid}/processes/web`)
  assert.deepEqual(
    [web.command, web.instances, web.memory_in_mb, web.disk_in_mb, web.log_rate_limit_in_bytes_per_second],
    ['node web.js', 3, 1536, 512, 102_400],
  )
  assert.deepEqual(web.health_check, {
    type: 'http',
    data: { timeout: 90, invocation_timeout: 2, interval: 7, endpoint: '/health' },
  })
  assert.deepEqual(web.readiness_health_check, { type: 'port', data: { invocation_timeout: null, interval: 5 } })
  const { body: worker } = await f.admin.get(`/v3/apps/${guid}/processes/worker`)
  assert.deepEqual([worker.instances, worker.memory_in_mb, worker.health_check.type], [2, 64, 'process'])

  // The second time only the sidecar's command and the start command are spoken of.
  await f.apply(
    '{applications: [{name: shop, command: null, sidecars: [{name: proxy, process_types: [web], command: ./other}]}]}',
  )
  const { body: after } = await f.admin.get(`/v3/apps/${guid}/processes/web`)
  assert.deepEqual([after.command, after.instances, after.memory_in_mb], ['', 3, 1536])
  const { body: sidecars } = await f.admin.get(`/v3/apps/${guid}/sidecars`)
  assert.deepEqual(
    sidecars.resources.map((sidecar: Record<string, unknown>) => [sidecar.command, sidecar.memory_in_mb]),
    [['./other', 32]],
  )
  assert.equal((await routesOf(f, guid)).length, 2)
})

test('keys of the app itself are those of web, unless processes has an entry for web', async (t) => {
  const f = await fixture(t)
  await f.apply('{applications: [{name: a, memory: 100M, instances: 4, health_check_type: process, command: run}]}')
  const { guid } = await f.app('a')
  const { body: web } = await f.admin.get(`/v3/apps/${guid}/processes/web`)
  assert.deepEqual([web.memory_in_mb, web.instances, web.health_check.type, web.command], [100, 4, 'process', 'run'])
  await f.apply('{applications: [{name: a, memory: 200M, instances: 9, processes: [{type: web, memory: 300M}]}]}')
  const { body: again } = await f.admin.get(`/v3/apps/${guid}/processes/web`)
  assert.deepEqual([again.memory_in_mb, again.instances], [300, 4])
})

test('buildpack default, null and nothing stand for detection', async (t) => {
  const f = await fixture(t)
  for (const none of ['default', 'null', '"null"']) {
    await f.apply('{applications: [{name: a, buildpack: "https://example.org/bp.git"}]}')
    assert.equal((await f.apply(`{applications: [{name: a, buildpack: ${none}}]}`)).body.state, 'COMPLETE')
    assert.deepEqual((await f.app('a')).lifecycle, { type: 'buildpack', data: { buildpacks: [], stack: 'cflinuxfs4' } })
  }
})

test('no-route unmaps all routes and makes the others not count', async (t) => {
  const f = await fixture(t)
  await f.apply('{applications: [{name: a, routes: [{route: a.apps.localhost}, {route: b.apps.localhost}]}]}')
  const { guid } = await f.app('a')
  assert.equal((await routesOf(f, guid)).length, 2)
  await f.apply('{applications: [{name: a, no-route: true, routes: [{route: c.apps.localhost}]}]}')
  assert.deepEqual(await routesOf(f, guid), [])
  const { body } = await f.admin.get('/v3/audit_events?types=audit.app.unmap-route')
  assert.deepEqual(
    body.resources.map((event: { data: Record<string, unknown> }) => event.data.manifest_triggered),
    [true, true],
  )
})

test('a random route has the name of the app and words; an app with a route gets none', async (t) => {
  const f = await fixture(t)
  await f.apply('{applications: [{name: a, random-route: true}]}')
  const { guid } = await f.app('a')
  const urls = await routesOf(f, guid)
  assert.match(urls.join(), /^a-[a-z]+-[a-z]+-[a-z]{2}\.apps\.localhost$/)
  await f.apply('{applications: [{name: a, random-route: true}]}')
  assert.deepEqual(await routesOf(f, guid), urls)
})

test('another protocol replaces the destination, options change the route', async (t) => {
  const f = await fixture(t)
  const route = (rest: string) => `{applications: [{name: a, routes: [{route: a.apps.localhost${rest}}]}]}`
  await f.apply(route(''))
  const { guid } = await f.app('a')
  const look = async () => {
    const [found] = (await f.admin.get(`/v3/apps/${guid}/routes`)).body.resources
    return [found.destinations.map((destination: { protocol: string }) => destination.protocol), found.options]
  }
  assert.deepEqual(await look(), [['http1'], {}])
  await f.apply(route(', protocol: http2, options: {loadbalancing: least-connection}'))
  assert.deepEqual(await look(), [['http2'], { loadbalancing: 'least-connection' }])
  await f.apply(route(', options: {}'))
  assert.deepEqual(await look(), [['http2'], { loadbalancing: 'least-connection' }])
})

test('a started app gets and loses instances, and its DEAs learn the new routes', async (t) => {
  const f = await fixture(t)
  const { appGuid } = await givenStartableApp(f, f.spaceGuid, { name: 'hello' })
  await f.admin.post(`/v3/apps/${appGuid}/actions/start`)
  f.bus.calls.length = 0
  await f.apply('{applications: [{name: hello, instances: 3, routes: [{route: hello.apps.localhost}]}]}')
  await f.apply('{applications: [{name: hello, instances: 1, memory: 64M}]}')
  const told = f.bus.calls.filter(({ name }) => name.startsWith('dea.'))
  assert.deepEqual(
    told.map(({ name }) => name),
    ['dea.start', 'dea.update', 'dea.stop'],
  )
  const [started, updated, stopped] = told.map(({ values }) => values[0] as Record<string, unknown>)
  assert.deepEqual(
    (started as unknown as Array<{ index: number }>).map(({ index }) => index),
    [1, 2],
  )
  assert.deepEqual(updated?.uris, ['hello.apps.localhost'])
  assert.deepEqual([stopped?.droplet, stopped?.indices], [appGuid, [1, 2]])
  assert.equal((await f.app('hello')).state, 'STARTED')
})

const jobFaults: ReadonlyArray<readonly [title: string, app: string, detail: string, code?: number]> = [
  ['a domain that is not there', 'routes: [{route: a.nowhere.org}]', 'No domains exist for route a.nowhere.org'],
  [
    'a host that is none',
    'routes: [{route: "a!b.apps.localhost"}]',
    "For route 'a!b.apps.localhost': Host format is invalid.",
  ],
  [
    'a path that is only a slash',
    'routes: [{route: a.apps.localhost/}]',
    "For route 'a.apps.localhost/': Path cannot be a single '/'.",
  ],
  [
    'a shared domain without a host',
    'routes: [{route: apps.localhost}]',
    "For route 'apps.localhost': Missing host. Routes in shared domains must have a host defined.",
  ],
  [
    'a port on an HTTP domain',
    'routes: [{route: "a.apps.localhost:1234"}]',
    "For route 'a.apps.localhost:1234': Routes with protocol 'http' do not support ports.",
  ],
  [
    'a protocol that the route has not',
    'routes: [{route: a.apps.localhost, protocol: tcp}]',
    "For route 'a.apps.localhost': Cannot use 'tcp' protocol for http routes; valid options are: [http1, http2].",
  ],
  [
    'an unknown buildpack',
    'buildpack: unknown',
    'Buildpack "unknown" for stack "cflinuxfs4" must be an existing admin buildpack or a valid git URI',
  ],
  ['an unknown stack', 'stack: windows', 'Stack must be an existing stack'],
  ['an unknown service', 'services: [{name: db}]', "Service instance 'db' not found", 10_010],
  [
    'sidecars that need all memory',
    'memory: 64M, sidecars: [{name: s, process_types: [web], command: c, memory: 64M}]',
    'The memory allocation defined is too large to run with the dependent "web" process',
  ],
  ['too long a timeout', 'timeout: 1000', 'health_check_timeout Maximum exceeded: max 180s'],
  [
    'two ways to hand over services',
    'features: {service-binding-k8s: true, file-based-vcap-services: true}',
    "'file-based-vcap-services' and 'service-binding-k8s' features cannot be enabled at the same time.",
  ],
  [
    'too large a disk',
    'disk_quota: 9G',
    'disk_quota too much disk requested (requested 9216 MB - must be less than 2048 MB)',
  ],
]

test('what only the state of the platform forbids fails the job, in words that name app and route', async (t) => {
  const f = await fixture(t)
  for (const [index, [title, app, detail, code = 10_008]] of jobFaults.entries()) {
    const { name } = await givenApp(f, f.spaceGuid, `app-${index}`)
    const { body } = await f.apply(`{applications: [{name: ${name}, ${app}}]}`)
    assert.equal(body.state, 'FAILED', title)
    const errors = body.errors.map((error: { code: number; detail: string }) => [error.code, error.detail])
    assert.deepEqual(errors, [[code, `For application '${name}': ${detail}`]], title)
  }
})

test('a name that makes no host fails the default route', async (t) => {
  const f = await fixture(t)
  const failure = 'Failed to create default route from app name: Host'
  const names = { "it's me": 'must be either "*" or contain only alphanumeric characters, "_", or "-"' }
  for (const [name, why] of Object.entries({ ...names, ['x'.repeat(64)]: 'cannot exceed 63 characters' })) {
    const { body } = await f.apply(`{applications: [{name: "${name}", default-route: true}]}`)
    assert.equal(body.errors[0].detail, `For application '${name}': ${failure} ${why}`)
  }
  await f.db.deleteFrom('domains').execute()
  const { body } = await f.apply('{applications: [{name: a, default-route: true}]}')
  assert.equal(body.errors[0].detail, "For application 'a': No default domains available")
})

test('the first fault ends the job; what was done before stays done', async (t) => {
  const f = await fixture(t)
  const { body } = await f.apply(
    '{applications: [{name: a, instances: 2, stack: cflinuxfs4, routes: [{route: x.nowhere.org}], env: {A: b}}, {name: b, instances: 2}]}',
  )
  assert.equal(body.state, 'FAILED')
  const instancesOf = async (name: string) =>
    (await f.admin.get(`/v3/apps/${(await f.app(name)).guid}/processes/web`)).body.instances
  assert.deepEqual([await instancesOf('a'), await instancesOf('b')], [2, 1])
  const { body: variables } = await f.admin.get(`/v3/apps/${(await f.app('a')).guid}/environment_variables`)
  assert.deepEqual(variables.var, {})
})

test('routes of another space, without the flag, and wildcards on shared domains are refused', async (t) => {
  const f = await fixture(t)
  const { spaceGuid } = await givenSpace(f, { name: 'other', organization: 'others' })
  await f.admin.post(
    `/v3/spaces/${spaceGuid}/actions/apply_manifest`,
    '{applications: [{name: theirs, routes: [{route: taken.apps.localhost}]}]}',
    yaml,
  )
  const errorOf = async (route: string) => {
    const { body } = await f.apply(`{applications: [{name: a, routes: [{route: "${route}"}]}]}`)
    return body.errors.map((error: { code: number; detail: string }) => [error.code, error.detail])
  }
  assert.deepEqual(await errorOf('taken.apps.localhost'), [
    [10_008, "For application 'a': Routes cannot be mapped to destinations in different spaces"],
  ])
  assert.deepEqual(await errorOf('*.apps.localhost'), [
    [10_003, 'You are not authorized to perform the requested action'],
  ])
  await f.admin.patch('/v3/feature_flags/route_creation', { enabled: false })
  assert.deepEqual(await errorOf('new.apps.localhost'), [[330_002, 'Feature Disabled: route_creation']])
})

test('Docker needs its flag, and neither kind of app takes what belongs to the other', async (t) => {
  const f = await fixture(t)
  const path = `/v3/spaces/${f.spaceGuid}/actions/apply_manifest`
  const refused = async (app: string) => {
    const { status, body } = await f.admin.post(path, `{applications: [{name: a, ${app}}]}`, yaml)
    return [status, ...body.errors.map((error: { detail: string }) => error.detail)]
  }
  assert.deepEqual(await refused('docker: {image: nginx}'), [
    422,
    "For application 'a': Feature Disabled: diego_docker",
  ])
  assert.deepEqual(await refused('lifecycle: cnb'), [422, "For application 'a': Feature Disabled: diego_cnb"])
  await f.admin.patch('/v3/feature_flags/diego_docker', { enabled: true })
  assert.deepEqual(await refused('docker: {image: nginx}, buildpacks: [b]'), [
    422,
    "For application 'a': Cannot specify both buildpack(s) and docker keys",
  ])
  assert.equal((await f.apply('{applications: [{name: a, docker: {image: nginx}}]}')).body.state, 'COMPLETE')
  assert.equal((await f.apply('{applications: [{name: a, docker: {image: nginx}}]}')).body.state, 'COMPLETE')
  assert.deepEqual((await f.app('a')).lifecycle, { type: 'docker', data: {} })
  const isDocker = 'cannot be configured for a docker lifecycle app.'
  assert.deepEqual(await refused('buildpacks: [b]'), [422, `For application 'a': Buildpacks ${isDocker}`])
  assert.deepEqual(await refused('buildpack: b'), [422, `For application 'a': Buildpack ${isDocker}`])
  await givenApp(f, f.spaceGuid, 'b')
  const { body } = await f.admin.post(path, '{applications: [{name: new}, {name: b, docker: {image: nginx}}]}', yaml)
  assert.equal(body.errors[0].detail, "For application 'b': Docker cannot be configured for a buildpack lifecycle app.")
  assert.equal(await f.app('new'), undefined)
})

test('one event tells of each manifest, secrets hidden, and the job keeps them sealed', async (t) => {
  const f = await fixture(t)
  await f.apply(
    '{applications: [{name: a, env: {PASSWORD: s3cret}, buildpacks: ["https://u:s3cret@example.org/b.git"], memory: 64M}]}',
  )
  const { body } = await f.admin.get('/v3/audit_events?types=audit.app.apply_manifest')
  assert.deepEqual(
    body.resources.map((event: { data: unknown }) => event.data),
    [
      {
        request: {
          manifest: `---
applications:
- name: a
  env: '[PRIVATE DATA HIDDEN]'
  buildpacks:
  - https://***:***@example.org/b.git
  memory: 64M
`,
        },
      },
    ],
  )
  const jobs = await f.db.selectFrom('jobs').selectAll().execute()
  const events = await f.db.selectFrom('audit_events').selectAll().execute()
  assert.ok(!JSON.stringify([jobs, events, f.bus.calls]).includes('s3cret'))
})

test('who may apply a manifest, and ask for a diff', async (t) => {
  const f = await fixture(t)
  const clients = await clientsOfAllRoles(f, f)
  const expected = { org_auditor: 404, org_billing_manager: 404, org_user: 404, no_role: 404, space_developer: 202 }
  for (const [path, status] of [
    ['actions/apply_manifest', 202],
    ['manifest_diff', 201],
  ] as const)
    await assertRoleTable(
      clients,
      (client) => client.post(`/v3/spaces/${f.spaceGuid}/${path}`, '{applications: [{name: a}]}', yaml),
      { ...expected, admin: status, space_developer: status },
      403,
    )
  await f.db.updateTable('organizations').set({ status: 'suspended' }).where('guid', '=', f.organizationGuid).execute()
  const suspended = await clients.space_developer.post(
    `/v3/spaces/${f.spaceGuid}/actions/apply_manifest`,
    '{applications: [{name: a}]}',
    yaml,
  )
  assert.deepEqual([suspended.status, suspended.body.errors[0].title], [403, 'CF-OrgSuspended'])
})

test('the manifests of all examples can be applied twice, and then differ in nothing but their default routes', async (t) => {
  const f = await fixture(t)
  const now = new Date().toISOString()
  for (const [position, name] of ['binary_buildpack', 'nodejs_buildpack'].entries())
    await f.db
      .insertInto('buildpacks')
      .values({
        guid: name,
        created_at: now,
        updated_at: now,
        name,
        stack: null,
        position,
        enabled: 1,
        locked: 0,
        lifecycle: 'buildpack',
        filename: 'b.zip',
        sha256: 'x',
      })
      .execute()
  const examples = new URL('../../../../../examples/', import.meta.url)
  for (const name of ['binary', 'manifest', 'nodejs', 'procfile-shell', 'python', 'static-site']) {
    const manifest = readFileSync(new URL(`${name}/manifest.yml`, examples), 'utf8')
    for (const attempt of ['first', 'second'])
      assert.deepEqual((await f.apply(manifest)).body.errors, [], `${name}, ${attempt} time`)
    const { body } = await f.admin.post(`/v3/spaces/${f.spaceGuid}/manifest_diff`, manifest, yaml)
    assert.deepEqual(body, { diff: [] }, name)
  }
  const { guid } = await f.app('quotes')
  assert.deepEqual(await routesOf(f, guid), ['quotes.apps.localhost'])
})

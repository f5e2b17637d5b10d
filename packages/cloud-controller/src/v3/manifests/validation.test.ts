import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { givenSpace } from '../../testing/factories.ts'
import { testController } from '../../testing/test-controller.ts'

const yaml = { 'content-type': 'application/x-yaml' }

/** Sends manifests to both endpoints, which must refuse them alike; returns the status, and code and detail of each error. */
async function refuser(t: TestContext) {
  const controller = await testController(t)
  const { spaceGuid } = await givenSpace(controller)
  return async (manifest: string | Uint8Array, headers: Record<string, string> = yaml) => {
    const answers = []
    for (const path of ['actions/apply_manifest', 'manifest_diff']) {
      const { status, body } = await controller.admin.post(`/v3/spaces/${spaceGuid}/${path}`, manifest, headers)
      const errors: Array<{ code: number; detail: string }> = body.errors ?? []
      answers.push([status, ...errors.map(({ code, detail }) => `${code} ${detail}`)])
    }
    assert.deepEqual(answers[0], answers[1])
    assert.deepEqual((await controller.db.selectFrom('apps').select('guid').execute()).length, 0)
    return answers[0]
  }
}

test('a body must be said to be YAML', async (t) => {
  const refusal = await refuser(t)
  const manifest = '{applications: [{name: ""}]}'
  for (const type of ['application/json', 'text/plain', ''])
    assert.deepEqual(await refusal(manifest, { 'content-type': type }), [
      400,
      '1004 Bad request: Content-Type must be yaml',
    ])
  for (const type of ['application/x-yaml', 'text/yaml', 'Text/YAML; charset=utf-8'])
    assert.equal((await refusal(manifest, { 'content-type': type }))?.[0], 422)
})

test('what is no manifest is refused', async (t) => {
  const refusal = await refuser(t)
  const unreadable = [400, '1001 Request invalid due to parse error: invalid request body']
  for (const body of [
    'key: [',
    'just text',
    '[a]',
    '',
    '\t- x: y',
    '['.repeat(900_000),
    '- '.repeat(400_000),
    `a: ${'{b: '.repeat(101)}`,
  ])
    assert.deepEqual(await refusal(body), unreadable, body.slice(0, 20))
  const invalidText = [400, '1001 Request invalid due to parse error: Invalid UTF-8 encoding in YAML data']
  assert.deepEqual(await refusal(Uint8Array.of(0x61, 0x3a, 0x20, 0xff)), invalidText)
  assert.deepEqual(await refusal('applications: [{name: a, buildpack: !!binary "w2E="}]'), invalidText)
  const noApps = [422, "10008 Cannot parse manifest with no 'applications' field."]
  for (const body of ['a: b', 'applications:', 'applications: []', 'applications: {}'])
    assert.deepEqual(await refusal(body), noApps, body)
  assert.deepEqual(await refusal('version: 2\napplications: [{name: a}]'), [
    422,
    '10008 Unsupported manifest schema version. Currently supported versions: [1].',
  ])
})

test('aliases, more than 1 MiB and far too many elements are refused', async (t) => {
  const refusal = await refuser(t)
  const aliases = [400, '1004 Bad request: Manifest does not support Anchors and Aliases']
  assert.deepEqual(await refusal('applications: [{name: a, env: &e {A: b}}, {name: b, env: *e}]'), aliases)
  assert.deepEqual(await refusal('x: &x {a: b}\napplications:\n- <<: *x\n  name: a'), aliases)
  assert.deepEqual(await refusal('applications: [{name: a, env: *nowhere}]'), aliases)
  const tooLarge = [400, '1004 Bad request: Manifest size is too large. The maximum supported size is 1MB.']
  const tooMany = [400, '1004 Bad request: Manifest has too many elements.']
  assert.deepEqual(await refusal(`x: [${'1,'.repeat(500_000)}]`), tooMany)
  assert.deepEqual(await refusal(`# ${'x'.repeat(1024 * 1024)}\napplications: [{name: a}]`), tooLarge)
})

const unit = 'must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB'
const routeFault = (fault: string) => `Route 'a.example.org'${fault}`

const faults: ReadonlyArray<readonly [keys: string, ...messages: string[]]> = [
  ['memory: 5', `Process "web": Memory ${unit}`],
  ['memory: 5Q', `Process "web": Memory ${unit}`],
  ['memory: much', 'Process "web": Memory is not a number'],
  ['memory: 0M', 'Process "web": Memory must be greater than 0MB'],
  ['memory: -1M', 'Process "web": Memory must be greater than 0MB'],
  ['memory: 1048575B', 'Process "web": Memory must be greater than 0MB'],
  ['disk_quota: much', 'Process "web": Disk quota is not a number'],
  ['disk_quota: 0GB', 'Process "web": Disk quota must be greater than 0MB'],
  ['log-rate-limit-per-second: 5', `Process "web": Log rate limit per second ${unit}`],
  ['log-rate-limit-per-second: fast', 'Process "web": Log rate limit per second is not a number'],
  ['log-rate-limit-per-second: -2B', 'Process "web": Log rate limit must be an integer greater than or equal to -1'],
  ['instances: many', 'Process "web": Instances is not a number'],
  ['instances: 1.5', 'Process "web": Instances must be an integer'],
  ['instances: -1', 'Process "web": Instances must be greater than or equal to 0'],
  ['instances: 2000001', 'Process "web": Instances must be less than or equal to 2000000'],
  ['command: 5', 'Process "web": Command must be a string'],
  ['command: ""', 'Process "web": Command must be between 1 and 4096 characters'],
  ['timeout: 0', 'Process "web": Timeout must be greater than or equal to 1'],
  ['health-check-type: ping', 'Process "web": Health check type must be "port", "process", or "http"'],
  ['health-check-http-endpoint: health', 'Process "web": Health check http endpoint must be a valid URI path'],
  [
    '{health-check-type: port, health-check-http-endpoint: /}',
    'Process "web": Health check type must be "http" to set a health check HTTP endpoint',
  ],
  ['health-check-interval: 0', 'Process "web": Health check interval must be greater than or equal to 1'],
  ['health-check-invocation-timeout: x', 'Process "web": Health check invocation timeout is not a number'],
  ['readiness-health-check-type: 1', 'Process "web": Readiness health check type must be "port", "process", or "http"'],
  [
    'readiness-health-check-http-endpoint: x',
    'Process "web": Readiness health check http endpoint must be a valid URI path',
  ],
  [
    'readiness-health-check-interval: 0',
    'Process "web": Readiness health check interval must be greater than or equal to 1',
  ],
  ['processes: web', 'Processes must be an array of process configurations'],
  ['processes: [web]', 'Processes must be an array of process configurations'],
  ['processes: [{instances: 1}]', 'All Processes must specify a type'],
  ['processes: [{type: a}, {type: b}, {type: a}, {type: a}]', 'Process "a" may only be present once'],
  [
    'processes: [{type: worker, memory: 5, timeout: 0, user: 7}]',
    `Process "worker": Memory ${unit}`,
    'Process "worker": User must be a string',
    'Process "worker": Timeout must be greater than or equal to 1',
  ],
  ['processes: [{type: web, health-check-timeout: 5}]', `Process "web": Unknown field(s): 'health_check_timeout'`],
  ['sidecars: proxy', 'Sidecars must be an array of sidecar configurations'],
  ['sidecars: [{name: s, command: "", process_types: [web]}]', `Sidecar "s": Command can't be blank`],
  ['sidecars: [{name: "", command: c, process_types: [web]}]', `Sidecar name can't be blank`],
  ['sidecars: [{command: c, process_types: [web]}]', `Sidecar name can't be blank`, 'Sidecar name must be a string'],
  [
    'sidecars: [{name: s, command: c, process_types: []}]',
    'Sidecar "s": Process types must have at least 1 process_type',
  ],
  ['sidecars: [{name: s, command: c, process_types: [web], memory: x}]', 'Sidecar "s": Memory in mb is not a number'],
  ['stack: 5', 'Stack must be a string'],
  ['buildpacks: b', 'Buildpacks must be an array'],
  ['buildpacks: [5]', 'Buildpacks can only contain strings'],
  ['buildpacks: [""]', 'Buildpacks entries must be between 1 and 4096 characters'],
  ['buildpack: 5', 'Buildpack must be a string'],
  ['buildpack: ""', 'Buildpack must be between 1 and 4096 characters'],
  ['{buildpack: a, buildpacks: [b]}', 'Buildpack and Buildpacks fields cannot be used together.'],
  ['metadata: x', 'Metadata must be an object'],
  ['metadata: {labels: x}', "Metadata 'labels' is not an object"],
  ['docker: {image: i}', 'Feature Disabled: diego_docker'],
  ['lifecycle: cnb', 'Feature Disabled: diego_cnb'],
  ['services: db', 'Services must be a list of service instances'],
  ['services: [{parameters: {}}]', 'Services must be a list of service instances'],
  ['services: [{name: db, unknown: 1}]', 'Services must be a list of service instances'],
  ['env: [A]', 'Env must be an object of keys and values'],
  ['env:', 'Env must be an object of keys and values'],
  ['env: {VCAP_A: 1}', 'Env cannot start with VCAP_'],
  ['env: {VMC_A: 1}', 'Env cannot start with VMC_'],
  ['env: {PORT: 1}', 'Env cannot set PORT'],
  ['env: {"": 1}', 'Env key must be a minimum length of 1'],
  ['routes: a.example.org', 'Routes must be a list of route objects'],
  ['routes: [a.example.org]', 'Routes must be a list of route objects'],
  ['routes: [{route: ""}]', 'Routes must be a list of route objects'],
  ...['potato://a.example.org', 'http://', 'localhost', 'a b.example.org', 'http://a.example.org:80', '/path'].map(
    (url) => [`routes: [{route: "${url}"}]`, `The route '${url}' is not a properly formed URL`] as const,
  ),
  ['routes: [{route: a.example.org, protocol: smtp}]', "Route protocol must be 'http1', 'http2' or 'tcp'."],
  ['routes: [{route: a.example.org, options: }]', routeFault(': options must be an object')],
  [
    'routes: [{route: a.example.org, options: {hash_header: x}}]',
    routeFault(" contains invalid route option 'hash_header'. Valid keys: 'loadbalancing'"),
  ],
  [
    'routes: [{route: a.example.org, options: {loadbalancing: hash}}]',
    "Cannot use loadbalancing value 'hash' for Route 'a.example.org'; Valid values are: 'round-robin, least-connection'",
  ],
  [
    'routes: [{route: a.example.org, options: {loadbalancing: }}]',
    "Invalid value for 'loadbalancing' for Route 'a.example.org'; Valid values are: 'round-robin, least-connection'",
  ],
  ['no-route: 1', 'No-route must be a boolean'],
  ['random-route: x', 'Random-route must be a boolean'],
  ['default-route: x', 'Default-route must be a boolean'],
  ['{random-route: true, default-route: true}', 'Random-route and default-route may not be used together'],
  ...['x', '[ssh]', '{}', '{ssh: 1}', '{toString: true}'].map(
    (features) =>
      [
        `features: ${features}`,
        'Features must be a map of valid feature names to booleans (true = enabled, false = disabled)',
      ] as const,
  ),
]

test('each fault of an app has its words', async (t) => {
  const refusal = await refuser(t)
  for (const [keys, ...messages] of faults) {
    const app = keys.startsWith('{') ? `{name: a, ${keys.slice(1)}` : `{name: a, ${keys}}`
    const expected = [422, ...messages.map((message) => `10008 For application 'a': ${message}`)]
    assert.deepEqual(await refusal(`applications: [${app}]`), expected, keys)
  }
})

test('hash routing brings more options, and rules for them', async (t) => {
  const controller = await testController(t)
  const { spaceGuid } = await givenSpace(controller)
  await controller.admin.patch('/v3/feature_flags/hash_based_routing', { enabled: true })
  const detailOf = async (options: string) => {
    const manifest = `applications: [{name: a, routes: [{route: a.apps.localhost, options: ${options}}]}]`
    const { body } = await controller.admin.post(`/v3/spaces/${spaceGuid}/manifest_diff`, manifest, yaml)
    return body.errors?.map((error: { detail: string }) => error.detail.replace("For application 'a': ", ''))
  }
  const fault = (text: string) => [`Route 'a.apps.localhost': ${text}`]
  assert.equal(await detailOf('{loadbalancing: hash, hash_header: X-User, hash_balance: 1.5}'), undefined)
  assert.deepEqual(
    await detailOf(`{hash_header: ${'x'.repeat(129)}}`),
    fault('Hash header must be at most 128 characters'),
  )
  assert.deepEqual(await detailOf('{hash_balance: x}'), fault('Hash balance must be a numeric value'))
  assert.deepEqual(
    await detailOf('{hash_balance: 1.0}'),
    fault('Hash balance must be either 0 or between 1.1 and 10.0'),
  )
  assert.deepEqual(
    await detailOf('{loadbalancing: round-robin, hash_header: x}'),
    fault('Hash header can only be set when loadbalancing is hash'),
  )
})

test('every fault of every app is an error of its own; a nameless app is told by its place', async (t) => {
  const refusal = await refuser(t)
  assert.deepEqual(
    await refusal('applications: [{name: ok}, {memory: x}, {name: 5, instances: x, no-route: x}, text, {name: ""}]'),
    [
      422,
      '10008 For application at index 1: Name must not be empty',
      '10008 For application at index 1: Name must be a string',
      '10008 For application at index 1: Process "web": Memory is not a number',
      "10008 For application '5': Name must be a string",
      '10008 For application \'5\': Process "web": Instances is not a number',
      "10008 For application '5': No-route must be a boolean",
      '10008 For application at index 3: Name must not be empty',
      '10008 For application at index 3: Name must be a string',
      '10008 For application at index 4: Name must not be empty',
    ],
  )
})

test('an unknown space is answered before the body is looked at', async (t) => {
  const { admin } = await testController(t)
  for (const path of ['actions/apply_manifest', 'manifest_diff']) {
    const { status, body } = await admin.post(`/v3/spaces/unknown/${path}`, ']', yaml)
    assert.deepEqual([status, body.errors[0].detail], [404, 'Space not found'])
  }
})

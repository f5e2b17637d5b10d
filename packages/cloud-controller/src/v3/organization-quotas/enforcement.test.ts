import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { givenReadyPackage, givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { type Answer, type TestController, testController } from '../../testing/test-controller.ts'

const detail = ({ body }: Answer): string | undefined => body.errors?.[0].detail
const yaml = { 'content-type': 'application/x-yaml' }

interface Fixture extends TestController {
  readonly spaceGuid: string
  readonly organizationGuid: string
  /** Limits the organization, or the space, by a quota of its own with these limits alone. */
  limitOrganization(limits: object): Promise<void>
  limitSpace(limits: object): Promise<void>
  /** An app that could be started, whose web process has this size. */
  app(name: string, scale: object): Promise<string>
  start(appGuid: string): Promise<Answer>
  scale(appGuid: string, scale: object): Promise<Answer>
}

async function fixture(t: TestContext): Promise<Fixture> {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid, organizationGuid } = await givenSpace(controller)
  const organization = { data: { guid: organizationGuid } }
  const scale = (guid: string, size: object) => admin.post(`/v3/processes/${guid}/actions/scale`, size)
  let count = 0
  const created = async (path: string, message: object): Promise<void> => {
    count += 1
    assert.equal((await admin.post(path, { name: `quota-${count}`, ...message })).status, 201)
  }
  return {
    ...controller,
    spaceGuid,
    organizationGuid,
    limitOrganization: (limits) =>
      created('/v3/organization_quotas', {
        ...limits,
        relationships: { organizations: { data: [{ guid: organizationGuid }] } },
      }),
    limitSpace: (limits) =>
      created('/v3/space_quotas', {
        ...limits,
        relationships: { organization, spaces: { data: [{ guid: spaceGuid }] } },
      }),
    app: async (name, size) => {
      const { appGuid } = await givenStartableApp(controller, spaceGuid, { name })
      assert.equal((await scale(appGuid, size)).status, 202)
      return appGuid
    },
    start: (guid) => admin.post(`/v3/apps/${guid}/actions/start`),
    scale,
  }
}

test('memory binds what is started: the sum of all instances in the space and in the organization', async (t) => {
  const { admin, limitOrganization, limitSpace, app, start, scale } = await fixture(t)
  await limitOrganization({ apps: { total_memory_in_mb: 300 } })
  const one = await app('one', { instances: 2, memory_in_mb: 100 })
  const two = await app('two', { instances: 5, memory_in_mb: 100 }) // stopped, so it may be of any size
  assert.equal((await start(one)).status, 200)
  const refused = await start(two)
  assert.deepEqual([refused.status, detail(refused)], [422, 'memory quota_exceeded'])
  assert.equal((await admin.get(`/v3/apps/${two}`)).body.state, 'STOPPED', 'nothing of a refused start stays')
  await scale(two, { instances: 1 })
  assert.equal((await start(two)).status, 200)
  for (const size of [{ instances: 3 }, { memory_in_mb: 101 }])
    assert.equal(detail(await scale(one, size)), 'memory quota_exceeded')
  assert.equal((await admin.get(`/v3/processes/${one}`)).body.instances, 2)

  await limitSpace({ apps: { total_memory_in_mb: 200 } })
  const path = `/v3/processes/${one}`
  const both = 'memory space_quota_exceeded, memory quota_exceeded'
  assert.equal(detail(await scale(one, { instances: 4 })), both)
  assert.equal(detail(await admin.patch(path, { command: 'sleep 1' })), 'memory space_quota_exceeded')
  assert.equal(detail(await admin.post(`/v3/apps/${one}/actions/restart`)), 'memory space_quota_exceeded')
  assert.equal((await admin.post(`/v3/apps/${one}/actions/stop`)).status, 200, 'stopping is always allowed')
  assert.equal((await scale(two, { instances: 2 })).status, 202)
})

test('the memory of one instance and the number of instances are limited', async (t) => {
  const { limitOrganization, limitSpace, app, start, scale } = await fixture(t)
  await limitOrganization({ apps: { per_process_memory_in_mb: 100, total_instances: 3 } })
  await limitSpace({ apps: { per_process_memory_in_mb: 50, total_instances: 2 } })
  const one = await app('one', { instances: 4, memory_in_mb: 101 })
  assert.equal(
    detail(await start(one)),
    'memory instance_memory_limit_exceeded, memory space_instance_memory_limit_exceeded, ' +
      'app_instance_limit app_instance_limit_exceeded, app_instance_limit space_app_instance_limit_exceeded',
  )
  await scale(one, { instances: 3, memory_in_mb: 50 })
  assert.equal(detail(await start(one)), 'app_instance_limit space_app_instance_limit_exceeded')
  await scale(one, { instances: 2 })
  assert.equal((await start(one)).status, 200)
  assert.equal(detail(await scale(one, { memory_in_mb: 51 })), 'memory space_instance_memory_limit_exceeded')
})

test('log rates add up; where they are limited no app may be without a limit', async (t) => {
  const { admin, limitOrganization, limitSpace, app, start, scale } = await fixture(t)
  await limitOrganization({ apps: { log_rate_limit_in_bytes_per_second: 300 } })
  await limitSpace({ apps: { log_rate_limit_in_bytes_per_second: 200 } })
  const one = await app('one', { instances: 2, log_rate_limit_in_bytes_per_second: 200 })
  assert.equal(
    detail(await start(one)),
    'log_rate_limit exceeds space log rate quota, log_rate_limit exceeds organization log rate quota',
  )
  await scale(one, { log_rate_limit_in_bytes_per_second: -1 })
  assert.equal(
    detail(await start(one)),
    "log_rate_limit cannot be unlimited in space 'dev'., log_rate_limit cannot be unlimited in organization 'acme'.",
  )
  await scale(one, { log_rate_limit_in_bytes_per_second: 100 })
  assert.equal((await start(one)).status, 200)
  assert.equal(detail(await scale(one, { instances: 3 })), 'log_rate_limit exceeds space log rate quota')
  await limitSpace({ apps: { log_rate_limit_in_bytes_per_second: 1 } })
  assert.equal((await admin.patch(`/v3/processes/${one}`, { command: 'sleep 1' })).status, 200)
})

test('each process of an app counts for the next that is started', async (t) => {
  const controller = await fixture(t)
  const { limitOrganization, spaceGuid, start, scale, admin } = controller
  await limitOrganization({ apps: { total_instances: 2 } })
  const { appGuid } = await givenStartableApp(controller, spaceGuid, { processTypes: { web: 'a', worker: 'b' } })
  await admin.post(`/v3/apps/${appGuid}/processes/worker/actions/scale`, { instances: 2 })
  assert.equal(detail(await start(appGuid)), 'app_instance_limit app_instance_limit_exceeded')
  await scale(appGuid, { instances: 0 })
  assert.equal((await start(appGuid)).status, 200)
})

test('a manifest is refused when it scales a started app beyond a quota', async (t) => {
  const { admin, spaceGuid, limitSpace, app, start } = await fixture(t)
  await limitSpace({ apps: { total_instances: 1 } })
  await start(await app('one', { instances: 1 }))
  const manifest = '---\napplications:\n- name: one\n  instances: 2\n'
  const { headers } = await admin.post(`/v3/spaces/${spaceGuid}/actions/apply_manifest`, manifest, yaml)
  const { body: job } = await admin.get(new URL(headers.get('location') ?? '').pathname)
  assert.deepEqual(
    [job.state, job.errors[0].detail],
    ['FAILED', "For application 'one': app_instance_limit space_app_instance_limit_exceeded"],
  )
})

test('staging needs room beside what is started, unless it takes no more than the platform gives anyway', async (t) => {
  const controller = await fixture(t)
  const { admin, limitOrganization, limitSpace, app, start } = controller
  const one = await app('one', { memory_in_mb: 1000 })
  await start(one)
  const packageGuid = await givenReadyPackage(controller, one)
  const build = (asked: object) => admin.post('/v3/builds', { package: { guid: packageGuid }, ...asked })
  const [space, organization] = ["space's", "organization's"]
  await limitOrganization({ apps: { total_memory_in_mb: 2023, log_rate_limit_in_bytes_per_second: 1_048_577 } })
  const cases = [
    [{ staging_memory_in_mb: 1024 }, `${organization} memory limit exceeded: staging requires 1024M memory`],
    [{ staging_disk_in_mb: 4097 }, 'disk limit exceeded'],
    [
      { staging_log_rate_limit_bytes_per_second: 2 },
      `${organization} log rate limit exceeded: staging requires 2 bytes per second`,
    ],
  ] as const
  for (const [asked, expected] of cases) {
    const answer = await build(asked)
    assert.deepEqual([answer.status, detail(answer)], [422, expected])
  }
  await limitSpace({ apps: { total_memory_in_mb: 1, log_rate_limit_in_bytes_per_second: 1 } })
  assert.equal(
    detail(await build({ staging_memory_in_mb: 1024 })),
    `${space} memory limit exceeded: staging requires 1024M memory`,
  )
  assert.equal(
    detail(await build({ staging_memory_in_mb: 1 })),
    `${space} log rate limit exceeded: staging requires 1048576 bytes per second`,
  )
  await limitSpace({ apps: { total_memory_in_mb: 1 } })
  const small = { staging_memory_in_mb: 1, staging_log_rate_limit_bytes_per_second: 1 }
  assert.equal((await build(small)).status, 201)
})

test('routes are limited in a space and in an organization, made one by one or by a manifest', async (t) => {
  const { admin, spaceGuid, organizationGuid, limitOrganization, limitSpace } = await fixture(t)
  const { body: domains } = await admin.get('/v3/domains?names=apps.localhost')
  const route = (host: string, space = spaceGuid) =>
    admin.post('/v3/routes', {
      host,
      relationships: { space: { data: { guid: space } }, domain: { data: { guid: domains.resources[0].guid } } },
    })
  await limitSpace({ routes: { total_routes: 1 } })
  await limitOrganization({ routes: { total_routes: 2 } })
  assert.equal((await route('one')).status, 201)
  const refused = await route('two')
  assert.deepEqual([refused.status, detail(refused)], [422, "Routes quota exceeded for space 'dev'."])
  const manifest = '---\napplications:\n- name: two\n  default-route: true\n'
  const { headers } = await admin.post(`/v3/spaces/${spaceGuid}/actions/apply_manifest`, manifest, yaml)
  const { body: job } = await admin.get(new URL(headers.get('location') ?? '').pathname)
  assert.match(job.errors[0].detail, /Routes quota exceeded for space 'dev'\.$/)

  const { body: prod } = await admin.post('/v3/spaces', {
    name: 'prod',
    relationships: { organization: { data: { guid: organizationGuid } } },
  })
  assert.equal((await route('three', prod.guid)).status, 201)
  assert.equal(detail(await route('four', prod.guid)), "Routes quota exceeded for organization 'acme'.")
})

test('private domains of an organization are limited; shared ones are not', async (t) => {
  const { admin, organizationGuid, limitOrganization } = await fixture(t)
  await limitOrganization({ domains: { total_domains: 1 } })
  const relationships = { organization: { data: { guid: organizationGuid } } }
  assert.equal((await admin.post('/v3/domains', { name: 'one.example.org', relationships })).status, 201)
  const refused = await admin.post('/v3/domains', { name: 'two.example.org', relationships })
  assert.deepEqual(
    [refused.status, detail(refused)],
    [422, 'The number of private domains exceeds the quota for organization "acme"'],
  )
  assert.equal((await admin.post('/v3/domains', { name: 'shared.example.org' })).status, 201)
})

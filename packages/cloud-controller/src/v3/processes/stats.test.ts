import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { FindDropletReply, HeartbeatInstance } from '@vcap/protocol'
import { givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'

// Else an instance could be a second older by the time that the answer is made.
mock.timers.enable({ apis: ['Date'], now: Date.now() })

const seconds = () => Date.now() / 1000

/** A started app with `instances` desired ones, and what the DEAs say of it. */
async function givenStarted(controller: TestController, instances: number) {
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/processes/${appGuid}/actions/scale`, { instances })
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  const { version } = (await admin.get(`/v3/processes/${appGuid}`)).body
  const heartbeat = (index: number, state: HeartbeatInstance['state'], ofVersion = version): HeartbeatInstance => ({
    droplet: appGuid,
    version: ofVersion,
    instance: `instance-${index}`,
    index,
    state,
    state_timestamp: seconds() - 60,
  })
  return { appGuid, version: version as string, heartbeat }
}

const statsOf = (index: number): NonNullable<FindDropletReply['stats']> => ({
  name: 'hello',
  uris: [],
  host: '10.0.0.1',
  port: 61_000 + index,
  uptime: 60,
  mem_quota: 128 * 1024 * 1024,
  disk_quota: 256 * 1024 * 1024,
  fds_quota: 16_384,
  usage: { time: '2026-01-01T00:00:00Z', cpu: 0.05, mem: 1000, disk: 2000, log_rate: 10 },
})

test('stats merge what the DEAs answer with crashed instances of the heartbeats, and fill up with DOWN', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { appGuid, version, heartbeat } = await givenStarted(controller, 4)
  bus.answer('dea.instances', () => ({
    [appGuid]: [heartbeat(0, 'STARTING'), heartbeat(1, 'STARTING'), heartbeat(2, 'CRASHED')],
  }))
  bus.answer('dea.find', () => [
    { ...heartbeat(0, 'RUNNING'), dea: 'dea', stats: statsOf(0) },
    { ...heartbeat(1, 'STARTING'), dea: 'dea' },
  ])
  bus.calls.length = 0
  const { status, body } = await admin.get(`/v3/apps/${appGuid}/processes/web/stats`)
  assert.equal(status, 200)
  const find = bus.calls.find((call) => call.name === 'dea.find')
  assert.deepEqual(find?.values, [
    {
      droplet: appGuid,
      version,
      states: ['BORN', 'STARTING', 'RESUMING', 'RUNNING', 'EVACUATING'],
      include_stats: true,
    },
    { expected: 3, timeoutInMilliseconds: 200 },
  ])
  const down = {
    type: 'web',
    index: 3,
    state: 'DOWN',
    routable: null,
    uptime: 0,
    isolation_segment: null,
    details: null,
  }
  assert.deepEqual(body.resources[0], {
    type: 'web',
    index: 0,
    instance_guid: 'instance-0',
    state: 'RUNNING',
    routable: true,
    host: '10.0.0.1',
    instance_internal_ip: '10.0.0.1',
    uptime: 60,
    mem_quota: 134217728,
    disk_quota: 268435456,
    log_rate_limit: 1048576,
    fds_quota: 16384,
    isolation_segment: null,
    details: null,
    instance_ports: [
      { external: 61000, internal: 61000, external_tls_proxy_port: null, internal_tls_proxy_port: null },
    ],
    usage: { time: '2026-01-01T00:00:00Z', cpu: 0.05, cpu_entitlement: null, mem: 1000, disk: 2000, log_rate: 10 },
  })
  assert.deepEqual(
    body.resources
      .slice(1, 3)
      .map((instance: Record<string, unknown>) => [
        instance.state,
        instance.uptime,
        instance.mem_quota,
        instance.usage,
      ]),
    [
      ['STARTING', 60, 1073741824, {}],
      ['CRASHED', 60, 1073741824, {}],
    ],
  )
  assert.deepEqual(body.resources[3], down)
})

test('stats ask nobody when all instances have crashed or the app is stopped', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { appGuid, heartbeat } = await givenStarted(controller, 1)
  bus.answer('dea.instances', () => ({ [appGuid]: [heartbeat(0, 'CRASHED')] }))
  bus.calls.length = 0
  const states = async () =>
    (await admin.get(`/v3/processes/${appGuid}/stats`)).body.resources.map(
      (instance: { state: string }) => instance.state,
    )
  assert.deepEqual(await states(), ['CRASHED'])
  await admin.post(`/v3/apps/${appGuid}/actions/stop`)
  assert.deepEqual(await states(), ['DOWN'])
  assert.deepEqual(
    bus.calls.filter((call) => call.name === 'dea.find'),
    [],
  )
})

test('instances of another version are on their way out and do not count', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { appGuid, heartbeat } = await givenStarted(controller, 1)
  bus.answer('dea.instances', () => ({ [appGuid]: [heartbeat(0, 'RUNNING', 'another')] }))
  bus.answer('dea.find', () => [{ ...heartbeat(0, 'RUNNING', 'another'), dea: 'dea', stats: statsOf(0) }])
  const { body } = await admin.get(`/v3/processes/${appGuid}/stats`)
  assert.equal(body.resources[0].state, 'DOWN')
})

test('embed=process_instances takes the heartbeats, one call for the whole page', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { appGuid, heartbeat } = await givenStarted(controller, 2)
  bus.answer('dea.instances', () => ({ [appGuid]: [heartbeat(1, 'RUNNING')] }))
  bus.calls.length = 0
  const expected = [
    { index: 0, state: 'DOWN', since: null },
    { index: 1, state: 'RUNNING', since: 60 },
  ]
  const listed = await admin.get('/v3/processes?embed=process_instances')
  assert.deepEqual(listed.body.resources[0].process_instances, expected)
  assert.equal(bus.calls.length, 1)
  const shown = await admin.get(`/v3/apps/${appGuid}/processes/web?embed=process_instances`)
  assert.deepEqual(shown.body.process_instances, expected)
  const own = await admin.get(`/v3/processes/${appGuid}/process_instances`)
  assert.deepEqual(own.body, {
    resources: expected,
    links: {
      self: { href: `http://api.example.org/v3/processes/${appGuid}/process_instances` },
      process: { href: `http://api.example.org/v3/processes/${appGuid}` },
    },
  })
  assert.equal((await admin.get('/v3/processes')).body.resources[0].process_instances, undefined)
  const refused = await admin.get('/v3/processes?embed=stats')
  assert.equal(
    refused.body.errors[0].detail,
    "The query parameter is invalid: Invalid embedded resource: 'stats'. Valid embedded resources are: 'process_instances'",
  )
})

test('a crashed instance beyond the desired ones does not lower how many answers are waited for', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { appGuid, heartbeat } = await givenStarted(controller, 1)
  bus.answer('dea.instances', () => ({ [appGuid]: [heartbeat(0, 'RUNNING'), heartbeat(1, 'CRASHED')] }))
  bus.calls.length = 0
  const { body } = await admin.get(`/v3/processes/${appGuid}/stats`)
  assert.equal(body.resources.length, 1)
  assert.deepEqual(bus.calls.find((call) => call.name === 'dea.find')?.values[1], {
    expected: 1,
    timeoutInMilliseconds: 1000,
  })
})

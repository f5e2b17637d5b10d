import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, headers } from '@nats-io/transport-node'
import { startNatsBroker } from '@vcap/nats-broker'
import { unusedPort } from '@vcap/nats-broker/testing/unused-port'
import { requestIdHeader, type StagingRequest, type StartMessage } from '@vcap/protocol'
import { pino } from 'pino'
import { CloudControllerConfig } from '../config.ts'
import { ApiError } from '../errors/api-error.ts'
import { eventually } from '../testing/eventually.ts'
import { FakeDea } from '../testing/fake-dea.ts'
import type { JobName } from '../threads/job-names.ts'
import { startBus } from './start-bus.ts'

const logger = pino({ level: 'silent' })
/** The machine may stand still; what the DEAs have said holds for as long. */
const neverSilent = {
  advertisementTimeoutInSeconds: 600,
  heartbeatTimeoutInSeconds: 600,
  missingInstanceDelayInSeconds: 600,
}

async function given(t: TestContext, config: { port?: number; dea?: object; cleanUp?: object } = {}) {
  const broker = await startNatsBroker({ port: config.port ?? 0 }, { logger })
  const settings = CloudControllerConfig.parse({
    dataDirectory: '/nowhere',
    nats: { url: broker.addresses.nats },
    uaa: { url: 'http://uaa.example.org', clientId: 'controller', clientSecret: 'secret' },
    stagingAuth: { username: 'staging', password: 'staging-secret' },
    encryptionKeys: { current: 'first', keys: { first: 'a key for tests' } },
    ...(config.cleanUp && { cleanUp: config.cleanUp }),
    dea: { ...neverSilent, ...config.dea },
  })
  const works: Array<{ name: JobName; argument: unknown; requestId: string | undefined }> = []
  const bus = await startBus({
    settings,
    logger,
    runJob: (name, argument, requestId) => void works.push({ name, argument, requestId }),
  })
  t.after(async () => {
    await bus.stop()
    await broker.stop()
  })
  const worksOf = (name: JobName) => works.filter((each) => each.name === name).map(({ argument }) => argument)
  return { broker, bus, works, operations: bus.operations, worksOf, url: broker.addresses.nats ?? '' }
}

/** A DEA of which the bus has heard. */
async function givenDea(t: TestContext, { bus, url }: Awaited<ReturnType<typeof given>>, values = {}) {
  const before = bus.statistics().deas
  const dea = await FakeDea.open(t, url, values)
  await eventually('the DEA is known', () => bus.statistics().deas > before)
  return dea
}

const start = (values: Partial<StartMessage> = {}): StartMessage => ({
  droplet: 'process',
  version: 'v1',
  index: 0,
  process_type: 'web',
  name: 'app',
  stack: 'cflinuxfs4',
  uris: [],
  services: [],
  limits: { mem: 100, disk: 100, fds: 100 },
  env: [],
  cc_partition: 'default',
  sidecars: [],
  vcap_application: {},
  egress_network_rules: [],
  ...values,
})

const staging = (values: Partial<StagingRequest> = {}): StagingRequest => ({
  app_id: 'app',
  task_id: 'build',
  stack: 'cflinuxfs4',
  properties: {
    services: [],
    resources: { memory: 1_024, disk: 4_096, fds: 100 },
    environment: [],
    meta: {},
    buildpacks: [],
    vcap_application: {},
  },
  download_uri: 'http://x/package',
  upload_uri: 'http://x/droplet',
  buildpack_cache_upload_uri: 'http://x/cache',
  admin_buildpacks: [],
  egress_network_rules: [],
  ...values,
})

const codeOf = (code: number) => (error: unknown) => error instanceof ApiError && error.code === code

test('a start goes to a DEA that has room, is pending until it is heard of, and is found', async (t) => {
  const system = await given(t)
  const dea = await givenDea(t, system)
  const { operations } = system
  operations['dea.start']([start(), start({ index: 1 })])
  await eventually('both starts arrive', () => dea.starts.length === 2)
  assert.deepEqual(dea.starts, [start(), start({ index: 1 })])
  assert.deepEqual(
    operations['dea.actualState']().pendingStarts.map(({ index }) => index),
    [0, 1],
  )
  const waiting = operations['changes.wait']('process', 60_000)
  const running = dea.run(start())
  assert.equal(await waiting, true)
  assert.deepEqual(operations['dea.instances'](['process', 'other']), { process: [{ ...running, dea: dea.id }] })
  assert.deepEqual(system.bus.statistics().instances, { RUNNING: 1 })
  const found = await operations['dea.find']({ droplet: 'process' }, { expected: 1, timeoutInMilliseconds: 60_000 })
  assert.deepEqual(found, [{ ...running, dea: dea.id }])
})

test('starts that find no room are told of after all others were tried', async (t) => {
  const system = await given(t)
  const dea = await givenDea(t, system, { available_memory: 150 })
  const messages = [start({ limits: { mem: 500, disk: 1, fds: 1 } }), start({ index: 1 }), start({ index: 2 })]
  assert.throws(() => system.operations['dea.start'](messages), codeOf(150_003))
  await eventually('the one that fits arrives', () => dea.starts.length === 1)
  assert.equal(dea.starts[0]?.index, 1)
})

test('find waits no longer than it may, and asks nobody when nothing is expected', async (t) => {
  const system = await given(t)
  const dea = await givenDea(t, system)
  dea.run(start())
  const { operations } = system
  assert.deepEqual(await operations['dea.find']({ droplet: 'process' }, { expected: 0 }), [])
  const begun = performance.now()
  const found = await eventually('the answer comes in time', async () => {
    const replies = await operations['dea.find']({ droplet: 'process' }, { expected: 2, timeoutInMilliseconds: 500 })
    return replies.length > 0 && replies
  })
  assert.equal(found.length, 1)
  assert.ok(performance.now() - begun >= 450, 'the second might have come')
})

test('stop and update reach the DEAs; a stop with an empty list is refused, because it would stop all', async (t) => {
  const system = await given(t)
  const dea = await givenDea(t, system)
  const { operations } = system
  assert.throws(() => operations['dea.stop']({ droplet: 'process', instances: [] }), /would stop every instance/)
  assert.throws(() => operations['dea.stop']({ droplet: 'process', indices: [] }), /would stop every instance/)
  operations['dea.start']([start()])
  operations['dea.stop']({ droplet: 'process', indices: [0] })
  operations['dea.update']({ droplet: 'process', uris: ['a.example.org'] })
  await eventually('both arrive', () => dea.stops.length === 1 && dea.updates.length === 1)
  assert.deepEqual(dea.stops, [{ droplet: 'process', indices: [0] }])
  assert.deepEqual(dea.updates, [{ droplet: 'process', uris: ['a.example.org'] }])
  assert.deepEqual(operations['dea.actualState']().pendingStarts, [])
})

test('a staging task goes to a DEA; both its replies come to a job thread', async (t) => {
  const system = await given(t)
  const dea = await givenDea(t, system)
  system.operations['staging.start'](staging())
  await eventually('the task arrives', () => dea.stagingRequests.length === 1)
  const reply = dea.stagingRequests[0]?.reply ?? ''
  dea.publish(reply, { task_id: 'build', phase: 'setup' })
  dea.publish(reply, { task_id: 'build', phase: 'complete', app_id: 'app', procfile: { web: 'x' } })
  await eventually('both replies are handed on', () => system.worksOf('staging-reply').length === 2)
  assert.deepEqual(system.worksOf('staging-reply')[0], { task_id: 'build', phase: 'setup' })
  system.operations['staging.stop']({ app_id: 'app', task_id: 'build' })
  await eventually('the stop arrives', () => dea.stagingStops.length === 1)
})

test('staging on an unknown stack is 250003, without room 170001', async (t) => {
  const system = await given(t)
  await givenDea(t, system, { available_memory: 1_000 })
  const stage = (values: Partial<StagingRequest>) => () => system.operations['staging.start'](staging(values))
  assert.throws(stage({ stack: 'windows' }), codeOf(250_003))
  assert.throws(stage({}), codeOf(170_001))
})

test('a crash is handed to a job thread, and settles the start', async (t) => {
  const system = await given(t)
  const dea = await givenDea(t, system)
  system.operations['dea.start']([start()])
  const exited = {
    droplet: 'process',
    version: 'v1',
    instance: 'x',
    index: 0,
    reason: 'CRASHED',
    exit_status: 1,
    exit_description: 'app instance exited',
    crash_timestamp: 1,
  }
  dea.publish('droplet.exited', exited)
  await eventually('the crash is handed on', () => system.worksOf('droplet-exited').length === 1)
  assert.deepEqual(system.worksOf('droplet-exited'), [exited])
  assert.deepEqual(system.operations['dea.actualState']().pendingStarts, [])
})

test('a DEA that says good-bye is forgotten at once, and the reconciler looks', async (t) => {
  const system = await given(t, { dea: { reconcileIntervalInSeconds: 3_600 } })
  const dea = await givenDea(t, system)
  dea.run(start())
  await eventually('the instance is known', () => system.operations['dea.actualState']().instances.length === 1)
  dea.publish('dea.shutdown', { id: dea.id, ip: '127.0.0.1', version: '1' })
  await eventually('the DEA is gone', () => system.bus.statistics().deas === 0)
  assert.deepEqual(system.operations['dea.actualState']().instances, [])
  assert.equal(system.worksOf('reconcile').length, 1)
})

test('what is no message is dropped, and the bus goes on', async (t) => {
  const system = await given(t)
  const dea = await givenDea(t, system)
  for (const subject of ['dea.advertise', 'dea.heartbeat', 'dea.shutdown', 'droplet.exited', 'cc.staging.build'])
    for (const message of ['not json {', '[]', '{"id":7}', '']) dea.publish(subject, message)
  dea.run(start())
  await eventually('a good message is heard', () => system.operations['dea.actualState']().instances.length === 1)
  assert.deepEqual(system.worksOf('droplet-exited'), [])
})

test('reconciling, jobs and the clean-up are looked after from time to time', async (t) => {
  const system = await given(t, { dea: { reconcileIntervalInSeconds: 0.02 }, cleanUp: { intervalInSeconds: 0.02 } })
  const before = system.worksOf('run-due-jobs').length
  system.operations['jobs.wake']()
  assert.equal(system.worksOf('run-due-jobs').length, before + 1)
  await eventually(
    'both come twice',
    () => system.worksOf('reconcile').length > 1 && system.worksOf('clean-up').length > 1,
  )
})

test('while NATS is away the bus says so; when it is back all DEAs are asked again', async (t) => {
  const port = await unusedPort()
  const system = await given(t, { port })
  const dea = await givenDea(t, system)
  assert.ok(system.operations['dea.actualState']().connectedForMilliseconds >= 0)
  await system.broker.stop()
  await eventually('it is noticed', () => !system.bus.statistics().isConnected)
  assert.equal(system.operations['dea.actualState']().connectedForMilliseconds, 0)
  const { advertisements, heartbeats } = dea.asked
  const isAsked = () => dea.asked.advertisements > advertisements && dea.asked.heartbeats > heartbeats
  let begun = Date.now()
  let again = await startNatsBroker({ port }, { logger })
  t.after(() => again.stop())
  // Of the two the DEA may be the later one to come back, and then nobody was there to be asked: they get another chance.
  await eventually('the DEA is asked', async () => {
    await eventually('the bus is connected', () => system.bus.statistics().isConnected)
    for (let look = 0; look < 100 && !isAsked(); look += 1) await pause(10)
    if (isAsked()) return true
    await again.stop()
    await eventually('it is noticed again', () => !system.bus.statistics().isConnected)
    begun = Date.now()
    again = await startNatsBroker({ port }, { logger })
    return false
  })
  assert.ok(system.bus.statistics().reconnects >= 1)
  assert.ok(system.operations['dea.actualState']().connectedForMilliseconds <= Date.now() - begun)
})

test('what an answer from the bus sets off has the id of the request that asked', async (t) => {
  const { url, works } = await given(t)
  const nats = await connect({ servers: url, timeout: 60_000 })
  t.after(() => nats.close())
  const carried = headers()
  carried.set(requestIdHeader, 'request-1')
  const reply = { task_id: 'build', phase: 'setup', error: 'no room' }
  nats.publish('cc.staging.build', JSON.stringify(reply), { headers: carried })
  await eventually('the answer is handled', () => works.some(({ name }) => name === 'staging-reply'))
  assert.equal(works.find(({ name }) => name === 'staging-reply')?.requestId, 'request-1')
})

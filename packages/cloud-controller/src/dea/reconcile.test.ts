import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { StartMessage, StopMessage } from '@vcap/protocol'
import type { ActualState } from '../bus/bus.ts'
import { apiError } from '../errors/api-error.ts'
import { givenSpace, givenStartableApp } from '../testing/factories.ts'
import { testController } from '../testing/test-controller.ts'
import { work } from '../threads/job-work.ts'

type Instances = ActualState['instances']

/** A started app of two instances whose start was a while ago, and a bus that says what the test wants. */
async function given(t: TestContext, config: Record<string, unknown> = {}) {
  const controller = await testController(t, config)
  const { db, admin, bus } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  await admin.post(`/v3/processes/${appGuid}/actions/scale`, { instances: 2 })
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  const longAgo = '2020-01-01T00:00:00.000Z'
  await db.updateTable('processes').set({ updated_at: longAgo }).execute()
  const process = await db.selectFrom('processes').selectAll().executeTakeFirstOrThrow()
  bus.calls.length = 0
  const instance = (index: number, values: Partial<Instances[number]> = {}): Instances[number] => ({
    dea: 'dea',
    droplet: process.guid,
    version: process.version,
    instance: `instance-${index}`,
    index,
    state: 'RUNNING',
    state_timestamp: 1_000,
    ...values,
  })
  const pass = async (instances: Instances, values: Partial<ActualState> = {}) => {
    bus.calls.length = 0
    bus.answer('dea.actualState', () => ({
      connectedForMilliseconds: 60_000,
      instances,
      pendingStarts: [],
      ...values,
    }))
    await work(controller.services, 'reconcile', {})
    return {
      starts: bus.calls
        .filter(({ name }) => name === 'dea.start')
        .flatMap(({ values: [messages] }) => (messages as StartMessage[]).map(({ index }) => index)),
      stops: bus.calls.filter(({ name }) => name === 'dea.stop').map(({ values: [message] }) => message as StopMessage),
    }
  }
  return { controller, db, bus, appGuid, process, instance, pass }
}

const nothing = { starts: [], stops: [] }

test('what is missing is started, what nobody wants is stopped', async (t) => {
  const { process, instance, pass } = await given(t)
  assert.deepEqual(await pass([instance(0), instance(1)]), nothing)
  assert.deepEqual(await pass([instance(1)]), { starts: [0], stops: [] })
  assert.deepEqual(await pass([]), { starts: [0, 1], stops: [] })
  assert.deepEqual(await pass([instance(0), instance(1), instance(2)]), {
    starts: [],
    stops: [{ droplet: process.guid, instances: ['instance-2'] }],
  })
  assert.deepEqual(await pass([instance(0), instance(1), instance(0, { droplet: 'gone', instance: 'stranger' })]), {
    starts: [],
    stops: [{ droplet: 'gone', instances: ['stranger'] }],
  })
})

test('a stopped app is stopped everywhere', async (t) => {
  const { controller, appGuid, process, instance, pass } = await given(t)
  await controller.admin.post(`/v3/apps/${appGuid}/actions/stop`)
  assert.deepEqual(await pass([instance(0)]), {
    starts: [],
    stops: [{ droplet: process.guid, instances: ['instance-0'] }],
  })
})

test('nothing is done while the heartbeats may not have come yet, or another controller does it', async (t) => {
  const { db, pass } = await given(t)
  assert.deepEqual(await pass([], { connectedForMilliseconds: 0 }), nothing)
  assert.deepEqual(await pass([], { connectedForMilliseconds: 2_900 }), nothing)
  const lease = { owner: 'another', held_until: '2999-01-01T00:00:00.000Z' }
  await db
    .insertInto('leases')
    .values({ name: 'reconciler', ...lease })
    .execute()
  assert.deepEqual(await pass([]), nothing)
  await db.deleteFrom('leases').execute()
  assert.deepEqual((await pass([])).starts, [0, 1])
})

test('an external health manager has it to itself', async (t) => {
  const { pass } = await given(t, { dea: { reconcile: false } })
  assert.deepEqual(await pass([]), nothing)
})

test('a crashed instance is started at once, and later and later when it crashes again', async (t) => {
  const { controller, db, process, instance, pass } = await given(t)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const crash = async (count: number, secondsAgo: number) => {
    const last_crash_at = new Date(Date.now() - secondsAgo * 1_000).toISOString()
    const key = { process_guid: process.guid, version: process.version, instance_index: 0 }
    await db.deleteFrom('instance_crashes').execute()
    await db
      .insertInto('instance_crashes')
      .values({ ...key, crash_count: count, last_crash_at })
      .execute()
    return (await pass([instance(0, { state: 'CRASHED' }), instance(1)])).starts
  }
  assert.deepEqual(await crash(1, 0), [0])
  assert.deepEqual(await crash(3, 0), [0])
  assert.deepEqual(await crash(4, 29), [])
  assert.deepEqual(await crash(4, 31), [0])
  assert.deepEqual(await crash(9, 950), [])
  assert.deepEqual(await crash(9, 961), [0])
  await crash(9, 2_000)
  assert.deepEqual(await controller.db.selectFrom('instance_crashes').selectAll().execute(), [])
})

test('no room for a start fails nothing: the next pass tries again', async (t) => {
  const { bus, pass } = await given(t)
  bus.answer('dea.start', () => {
    throw apiError('InsufficientRunningResourcesAvailable')
  })
  assert.deepEqual((await pass([])).starts, [0, 1])
  assert.deepEqual((await pass([])).starts, [0, 1])
})

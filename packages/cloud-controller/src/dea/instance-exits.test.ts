import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { DropletExited } from '@vcap/protocol'
import { appLogLines } from '../testing/app-log-lines.ts'
import { givenSpace, givenStartableApp } from '../testing/factories.ts'
import { testController } from '../testing/test-controller.ts'
import { work } from '../threads/job-work.ts'

async function given(t: TestContext) {
  const controller = await testController(t)
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  controller.bus.answer('dea.actualState', () => ({ connectedForMilliseconds: 0, instances: [], pendingStarts: [] }))
  const exit = (values: Partial<DropletExited> = {}) =>
    work(controller.services, 'droplet-exited', {
      droplet: appGuid,
      version: 'v1',
      instance: 'x',
      index: 0,
      reason: 'CRASHED',
      exit_status: 137,
      exit_description: 'out of memory',
      crash_timestamp: 1_700_000_000,
      ...values,
    })
  const crashes = () => controller.db.selectFrom('instance_crashes').selectAll().orderBy('instance_index').execute()
  const events = () =>
    controller.db.selectFrom('audit_events').selectAll().where('type', 'like', '%crash').orderBy('id').execute()
  return { controller, appGuid, spaceGuid, exit, crashes, events }
}

test('a crash is counted for its index, and recorded as event of the process and of the app', async (t) => {
  const { controller, appGuid, spaceGuid, exit, crashes, events } = await given(t)
  await exit()
  await exit({ exit_description: 'x'.repeat(20_000) })
  await exit({ index: 1 })
  assert.deepEqual(
    (await crashes()).map(({ instance_index, crash_count }) => [instance_index, crash_count]),
    [
      [0, 2],
      [1, 1],
    ],
  )
  const [ofProcess, ofApp, second] = await events()
  const data = { instance: 'x', index: 0, exit_description: 'out of memory', exit_status: 137, reason: 'CRASHED' }
  assert.deepEqual(
    [ofProcess?.type, ofProcess?.actor_type, ofProcess?.actor_name, ofProcess?.space_guid, ofProcess?.target_guid],
    ['audit.app.process.crash', 'process', 'web', spaceGuid, appGuid],
  )
  assert.deepEqual(JSON.parse(ofProcess?.data ?? ''), {
    ...data,
    crash_count: 1,
    crash_timestamp: 1_700_000_000,
    version: 'v1',
  })
  assert.deepEqual(
    [ofApp?.type, ofApp?.actor_type, ofApp?.actor_name, JSON.parse(ofApp?.data ?? '')],
    ['app.crash', 'app', 'hello', data],
  )
  assert.deepEqual(
    [JSON.parse(second?.data ?? '').crash_count, JSON.parse(second?.data ?? '').exit_description],
    [2, `${'x'.repeat(9_988)} (truncated)`],
  )
  const lines = appLogLines(controller)
  assert.ok(lines.includes('Process has crashed with type: "web"'))
  assert.ok(lines.some((line) => line.includes('"index"=>0, "reason"=>"CRASHED", "exit_description"=>"out of memory"')))
})

test('another exit than a crash, and one of a process that is gone, change nothing', async (t) => {
  const { exit, crashes, events } = await given(t)
  await exit({ reason: 'STOPPED' })
  await exit({ droplet: 'gone' })
  assert.deepEqual([await crashes(), await events()], [[], []])
})

test('the count begins anew for another version, and after a long quiet time', async (t) => {
  const { controller, exit, crashes } = await given(t)
  await exit()
  await exit()
  await exit({ version: 'v2' })
  const longAgo = new Date(Date.now() - 1_921_000).toISOString()
  await controller.db.updateTable('instance_crashes').set({ last_crash_at: longAgo }).execute()
  await exit()
  const counts = (await crashes()).map(({ version, crash_count }) => [version, crash_count])
  assert.deepEqual(counts.sort(), [
    ['v1', 1],
    ['v2', 1],
  ])
})

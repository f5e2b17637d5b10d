import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { ProcessFamily } from './process-family.ts'
import type { ProcessEntry, ProcessTable } from './process-table.ts'
import { ResourceMonitor } from './resource-monitor.ts'

const guid = 'an-instance'
const never = { usageSampleInMs: 2_000_000_000, diskSampleInMs: 2_000_000_000 }

/** A monitor that looks when it is told to, of one instance whose one process and whose clock the test turns. */
async function watching(context: TestContext) {
  const machine = { now: 0, cpuInSeconds: 0 }
  const entry = (): ProcessEntry => ({
    pid: 4711,
    parentPid: 1,
    groupId: 4711,
    sessionId: 4711,
    startTime: '1',
    cpuInSeconds: machine.cpuInSeconds,
    instanceGuid: guid,
  })
  const table: ProcessTable = {
    bootId: '',
    snapshot: async () => new Map([[4711, entry()]]),
    find: async () => entry(),
    residentBytes: () => 1024,
    proportionalBytes: () => undefined,
  }
  const directory = await mkdtemp(join(tmpdir(), 'vcap-monitor-test-'))
  const monitor = new ResourceMonitor(table, pino({ level: 'silent' }), never, () => machine.now)
  context.after(async () => {
    await monitor.stop()
    await rm(directory, { recursive: true })
  })
  monitor.watch({
    family: new ProcessFamily(table, guid),
    directory,
    memoryLimitInBytes: 2048,
    diskLimitInBytes: 1024 ** 3,
    exceeded: () => assert.fail('nothing is exceeded'),
  })
  const usage = () => monitor.usage(guid) ?? assert.fail('it is not watched')
  /** Lets time go by in which the instance keeps that many cores busy, and looks every second. */
  async function runs(seconds: number, cores: number): Promise<number> {
    for (let second = 0; second < seconds; second++) {
      machine.now += 1000
      machine.cpuInSeconds += cores
      await monitor.sampleUsage()
    }
    return Number(usage().cpu.toFixed(6))
  }
  return { monitor, directory, usage, runs }
}

test('CPU is the average of the last fifteen seconds', async (t) => {
  const { runs } = await watching(t)
  assert.equal(await runs(4, 0.5), 0.5)
  assert.equal(await runs(11, 0), 0.133333)
  assert.equal(await runs(4, 0), 0)
  assert.equal(await runs(15, 2), 2)
})

test('CPU counts from when the measuring begins anew: what a start took is not what an app needs', async (t) => {
  const { monitor, usage, runs } = await watching(t)
  assert.equal(await runs(2, 1), 1)
  await monitor.beginAnew(guid)
  assert.equal(usage().cpu, 0)
  assert.equal(usage().memoryInBytes, 1024)
  assert.equal(await runs(3, 0.25), 0.25)
})

test('the folder is measured when the measuring begins anew, and a stop waits for what is being measured', async (t) => {
  const { monitor, directory, usage } = await watching(t)
  assert.equal(usage().diskInBytes, 0)
  await writeFile(join(directory, 'large'), randomBytes(2 * 1024 ** 2))
  void monitor.beginAnew(guid)
  await monitor.stop()
  assert(usage().diskInBytes >= 1024 ** 2, String(usage().diskInBytes))
})

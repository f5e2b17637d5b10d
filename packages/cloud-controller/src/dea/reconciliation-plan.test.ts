import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstanceState } from '@vcap/protocol'
import { planReconciliation, type ReconciliationInput } from './reconciliation-plan.ts'

const now = 1_000_000_000
const longAgo = now - 3_600_000

function instance(
  index: number,
  options: { state?: InstanceState; version?: string; guid?: string; since?: number } = {},
) {
  return {
    dea: 'dea-1',
    droplet: 'web',
    version: options.version ?? 'v1',
    instance: options.guid ?? `instance-${index}`,
    index,
    state: options.state ?? ('RUNNING' as const),
    state_timestamp: (options.since ?? longAgo) / 1000,
  }
}

function plan(
  input: Partial<ReconciliationInput> & {
    instances?: ReturnType<typeof instance>[]
    pendingStarts?: Array<{ processGuid: string; version: string; index: number }>
  },
) {
  return planReconciliation({
    desired: [{ guid: 'web', version: 'v1', instances: 2, changedAt: longAgo }],
    crashes: [],
    now,
    missingInstanceDelayInMilliseconds: 15_000,
    ...input,
    actual: {
      connectedForMilliseconds: 60_000,
      instances: input.instances ?? [],
      pendingStarts: input.pendingStarts ?? [],
    },
  })
}

test('nothing is done when desired and actual agree', () => {
  assert.deepEqual(plan({ instances: [instance(0), instance(1, { state: 'STARTING' })] }), { starts: [], stops: [] })
})

test('a missing instance is started, unless it was ordered or the process changed a moment ago', () => {
  assert.deepEqual(plan({ instances: [instance(0)] }).starts, [{ processGuid: 'web', index: 1 }])
  const pendingStarts = [{ processGuid: 'web', version: 'v1', index: 1 }]
  assert.deepEqual(plan({ instances: [instance(0)], pendingStarts }).starts, [])
  const desired = [{ guid: 'web', version: 'v1', instances: 2, changedAt: now - 1_000 }]
  assert.deepEqual(plan({ instances: [instance(0)], desired }).starts, [])
})

test('a crashed instance comes back at once three times, and then after a growing delay', () => {
  const crashed = (crashCount: number, secondsAgo: number) =>
    plan({
      instances: [instance(0), instance(1, { state: 'CRASHED' })],
      crashes: [{ processGuid: 'web', version: 'v1', index: 1, crashCount, lastCrashAt: now - secondsAgo * 1000 }],
    }).starts.length
  assert.equal(crashed(1, 0), 1)
  assert.equal(crashed(3, 0), 1)
  assert.equal(crashed(4, 29), 0)
  assert.equal(crashed(4, 30), 1)
  assert.equal(crashed(5, 59), 0)
  assert.equal(crashed(20, 959), 0)
  assert.equal(crashed(20, 960), 1)
})

test('instances of a process that is not desired, of an index too high or of an old version are stopped', () => {
  assert.deepEqual(plan({ desired: [], instances: [instance(0)] }).stops, [
    { droplet: 'web', instances: ['instance-0'] },
  ])
  assert.deepEqual(plan({ instances: [instance(0), instance(1), instance(2)] }).stops, [
    { droplet: 'web', instances: ['instance-2'] },
  ])
  const mixed = plan({ instances: [instance(0, { version: 'v0', guid: 'old' }), instance(1)] })
  assert.deepEqual(mixed, {
    starts: [{ processGuid: 'web', index: 0 }],
    stops: [{ droplet: 'web', instances: ['old'] }],
  })
})

test('of doubles the oldest running one stays', () => {
  const doubled = [
    instance(0, { guid: 'starting', state: 'STARTING', since: longAgo - 1_000 }),
    instance(0, { guid: 'young', since: longAgo + 1_000 }),
    instance(0, { guid: 'old' }),
    instance(1),
  ]
  assert.deepEqual(plan({ instances: doubled }).stops, [{ droplet: 'web', instances: ['young', 'starting'] }])
})

test('a crashed instance that nobody wants is not stopped again', () => {
  assert.deepEqual(plan({ desired: [], instances: [instance(0, { state: 'CRASHED' })] }).stops, [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StartMessage } from '@vcap/protocol'
import { PendingStarts } from './pending-starts.ts'

const start = (droplet: string, version: string, index: number): StartMessage => ({
  droplet,
  version,
  index,
  process_type: 'web',
  name: 'app',
  uris: [],
  services: [],
  limits: { mem: 1, disk: 1, fds: 1 },
  env: [],
  cc_partition: 'default',
  sidecars: [],
  vcap_application: {},
  egress_network_rules: [],
})

function given() {
  const clock = { milliseconds: 0 }
  const pending = new PendingStarts(15, () => clock.milliseconds)
  for (const [droplet, version, index] of [
    ['a', 'v1', 0],
    ['a', 'v1', 1],
    ['a', 'v2', 0],
    ['b', 'v1', 0],
  ] as const)
    pending.add(start(droplet, version, index))
  const left = () => pending.all().map(({ processGuid, version, index }) => `${processGuid}/${version}/${index}`)
  return { clock, pending, left }
}

test('a start is pending until its time is over, or its crash is known', () => {
  const { clock, pending, left } = given()
  pending.settle('a', 'v1', 1)
  assert.deepEqual(left(), ['a/v1/0', 'a/v2/0', 'b/v1/0'])
  clock.milliseconds = 15_000
  pending.add(start('a', 'v2', 0))
  assert.equal(left().length, 3)
  clock.milliseconds = 15_001
  assert.deepEqual(left(), ['a/v2/0'])
})

test('what is stopped is pending no longer, as far as the filters say', () => {
  const cases = [
    [{ droplet: 'a' }, ['b/v1/0']],
    [{ droplet: 'a', version: 'v1' }, ['a/v2/0', 'b/v1/0']],
    [{ droplet: 'a', version: 'v1', indices: [1] }, ['a/v1/0', 'a/v2/0', 'b/v1/0']],
    [{ droplet: 'a', indices: [0] }, ['a/v1/1', 'b/v1/0']],
    [{ droplet: 'a', instances: ['x'] }, ['a/v1/0', 'a/v1/1', 'a/v2/0', 'b/v1/0']],
  ] as const
  for (const [stop, expected] of cases) {
    const { pending, left } = given()
    pending.forget(structuredClone(stop) as Parameters<PendingStarts['forget']>[0])
    assert.deepEqual(left(), expected, JSON.stringify(stop))
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeartbeatInstance } from '@vcap/protocol'
import { InstanceRegistry } from './instance-registry.ts'

const instance = (droplet: string, index: number): HeartbeatInstance => ({
  droplet,
  version: 'v1',
  instance: `${droplet}-${index}`,
  index,
  state: 'RUNNING',
  state_timestamp: 1,
})

test('a heartbeat replaces all that was known of its DEA', () => {
  const registry = new InstanceRegistry(30)
  registry.heartbeat({ dea: 'one', droplets: [instance('a', 0), instance('b', 0)] })
  registry.heartbeat({ dea: 'two', droplets: [instance('a', 1)] })
  assert.deepEqual(registry.of(['a', 'nobody']), {
    a: [
      { ...instance('a', 0), dea: 'one' },
      { ...instance('a', 1), dea: 'two' },
    ],
  })
  registry.heartbeat({ dea: 'one', droplets: [instance('b', 0)] })
  assert.deepEqual(Object.keys(registry.of(['a', 'b'])).sort(), ['a', 'b'])
  assert.equal(registry.of(['a']).a?.length, 1)
  registry.heartbeat({ dea: 'one', droplets: [] })
  assert.deepEqual(registry.all(), [{ ...instance('a', 1), dea: 'two' }])
})

test('a DEA that is silent for too long, or says good-bye, has no instances', () => {
  const clock = { milliseconds: 0 }
  const registry = new InstanceRegistry(30, () => clock.milliseconds)
  registry.heartbeat({ dea: 'one', droplets: [instance('a', 0)] })
  clock.milliseconds = 29_999
  assert.equal(registry.all().length, 1)
  clock.milliseconds = 30_000
  assert.deepEqual(registry.all(), [])
  registry.heartbeat({ dea: 'one', droplets: [instance('a', 0)] })
  registry.remove('one')
  assert.deepEqual(registry.of(['a']), {})
})

test('what a DEA answers is remembered until its next heartbeat, if it is younger than what is known', () => {
  const registry = new InstanceRegistry(30)
  registry.heartbeat({ dea: 'one', droplets: [{ ...instance('a', 0), state: 'STARTING' }, instance('a', 1)] })
  const reply = { ...instance('a', 0), dea: 'one', state: 'RUNNING' as const, state_timestamp: 2 }
  registry.found([reply, { ...instance('a', 1), dea: 'one', state: 'STARTING' }, { ...reply, dea: 'unheard of' }])
  assert.deepEqual(registry.of(['a']).a, [reply, { ...instance('a', 1), dea: 'one' }])
  registry.found([{ ...reply, state: 'STARTING', state_timestamp: 1 }])
  assert.deepEqual(registry.of(['a']).a?.[0], reply)
  registry.heartbeat({ dea: 'one', droplets: [] })
  assert.deepEqual(registry.of(['a']), {})
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { eventually } from '../testing/eventually.ts'
import { JobDispatcher } from './job-dispatcher.ts'
import type { JobName } from './job-names.ts'

/** Threads whose work ends when the test says so. */
function given(limits = { reconcile: 1, 'run-due-jobs': 2 }) {
  const works: Array<{ name: JobName; argument: unknown; end: () => void; fail: (error: Error) => void }> = []
  const dispatcher = new JobDispatcher(limits, pino({ level: 'silent' }))
  const start = () =>
    dispatcher.start((name, argument) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      works.push({ name, argument, end: resolve, fail: reject })
      return promise
    })
  return { dispatcher, works, start, names: () => works.map(({ name }) => name) }
}

test('what comes before the threads waits for them', () => {
  const { dispatcher, start, works } = given()
  dispatcher.dispatch('staging-reply', { task_id: 'build' })
  assert.deepEqual(works, [])
  start()
  assert.deepEqual(
    works.map(({ name, argument }) => [name, argument]),
    [['staging-reply', { task_id: 'build' }]],
  )
})

test('of the periodic kinds as many run as may; what comes meanwhile is done once more', async () => {
  const { dispatcher, start, works, names } = given()
  start()
  for (let count = 0; count < 5; count += 1) dispatcher.dispatch('reconcile', {})
  for (let count = 0; count < 5; count += 1) dispatcher.dispatch('run-due-jobs', {})
  assert.deepEqual(names(), ['reconcile', 'run-due-jobs', 'run-due-jobs'])
  works[0]?.end()
  await eventually('it runs once more', () => names().filter((name) => name === 'reconcile').length === 2)
  works[3]?.fail(new Error('failed'))
  dispatcher.dispatch('droplet-exited', {})
  dispatcher.dispatch('droplet-exited', {})
  assert.equal(names().filter((name) => name === 'droplet-exited').length, 2)
  await eventually('there is room again', () => {
    dispatcher.dispatch('reconcile', {})
    return names().filter((name) => name === 'reconcile').length === 3
  })
})

test('nothing is begun after the stop', async () => {
  const { dispatcher, start, works, names } = given()
  start()
  dispatcher.dispatch('reconcile', {})
  dispatcher.dispatch('reconcile', {})
  dispatcher.stop()
  works[0]?.end()
  await new Promise((resolve) => setImmediate(resolve))
  dispatcher.dispatch('staging-reply', {})
  assert.deepEqual(names(), ['reconcile'])
})

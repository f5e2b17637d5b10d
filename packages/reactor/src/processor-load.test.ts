import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { ProcessorLoad } from './processor-load.ts'

/** A machine whose clock and processor times are set by hand. */
function givenMachine() {
  const times = { at: 0, own: 0, idle: 0, all: 0 }
  const load = new ProcessorLoad(
    () => times.at,
    () => ({ ...times }),
  )
  const pass = (milliseconds: number, { own = 0, machine = 0 }: { own?: number; machine?: number }): boolean => {
    times.at += milliseconds
    times.own += milliseconds * own * availableParallelism()
    times.all += milliseconds * 8
    times.idle += milliseconds * 8 * (1 - machine)
    return load.isSaturated
  }
  return { pass }
}

test('processors are saturated from eight tenths on, and until it is less than six', () => {
  const { pass } = givenMachine()
  assert.deepEqual(
    [0.75, 0.85, 0.65, 0.55, 0.75].map((machine) => pass(100, { machine })),
    [false, true, true, false, false],
  )
})

test('a process that uses all it may is at its limit, however idle the machine is', () => {
  const { pass } = givenMachine()
  assert.equal(pass(100, { own: 0.95, machine: 0.1 }), true)
})

test('less than a tenth of a second says nothing new', () => {
  const { pass } = givenMachine()
  assert.equal(pass(60, { machine: 1 }), false)
  assert.equal(pass(60, { machine: 1 }), true)
  assert.equal(pass(60, { machine: 0 }), true)
})

test('the real processors can be asked', () => {
  const load = new ProcessorLoad()
  assert.equal(typeof load.isSaturated, 'boolean')
})

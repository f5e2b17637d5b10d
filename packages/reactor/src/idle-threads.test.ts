import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdleThreads, warmAfterTasks } from './idle-threads.ts'

const thread = (tasksFinished: number) => ({ tasksFinished })

function given(threads: readonly { tasksFinished: number }[], isSaturated = false) {
  const idle = new IdleThreads<{ tasksFinished: number }>({ isSaturated })
  for (const each of threads) idle.push(each)
  return idle
}

test('the warm thread that was used last is used first, and cold ones when no warm one is left', () => {
  const [colder, cold, warm, warmer] = [0, 1, warmAfterTasks, warmAfterTasks + 1].map(thread)
  assert.ok(colder && cold && warm && warmer)
  const idle = given([warm, colder, warmer, cold])
  assert.equal(idle.length, 4)
  assert.deepEqual(
    [idle.take(), idle.take(), idle.take(), idle.take(), idle.take()],
    [warmer, warm, cold, colder, undefined],
  )
})

for (const [isSaturated, often] of [
  [false, 8],
  [true, 2],
] as const)
  test(`of 64 tasks ${often} warm a cold thread up when the processors are ${isSaturated ? '' : 'not '}saturated, the same one until it is warm`, () => {
    const [cold, other, warm] = [0, 0, warmAfterTasks].map(thread)
    assert.ok(cold && other && warm)
    const idle = given([other, cold, warm], isSaturated)
    const taken = Array.from({ length: 64 }, () => {
      const each = idle.take()
      assert.ok(each)
      idle.push(each)
      return each
    })
    assert.equal(taken.filter((each) => each === cold).length, often)
    assert.equal(taken.filter((each) => each === warm).length, 64 - often)
  })

test('a thread that leaves is not taken any more', () => {
  const [cold, warm] = [0, warmAfterTasks].map(thread)
  assert.ok(cold && warm)
  const idle = given([cold, warm])
  idle.remove(warm)
  assert.deepEqual([...idle], [cold])
  idle.remove(cold)
  assert.equal(idle.take(), undefined)
})

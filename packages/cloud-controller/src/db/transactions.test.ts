import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../testing/test-controller.ts'
import { DatabaseUnavailable } from './database-unavailable.ts'
import { isInTransaction, repeatedOnConflict } from './transactions.ts'

test('the bus is told nothing inside a transaction, and what was written is rolled back', async (t) => {
  const { db, bus } = await testController(t)
  const work = db.transaction().execute(async (trx) => {
    await trx.deleteFrom('stacks').execute()
    bus.scheduleSync('dea.instances', [])
  })
  await assert.rejects(work, { name: 'ScheduleSyncRefused', message: /a database transaction is open/ })
  assert.equal((await db.selectFrom('stacks').select('id').execute()).length, 1)
  assert.deepEqual(bus.scheduleSync('dea.instances', []), {})
})

test('a transaction is known to be open in all that it calls, and nowhere else', async (t) => {
  const { db } = await testController(t)
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const transaction = db.transaction().execute(async () => {
    await held
    return isInTransaction()
  })
  assert.equal(isInTransaction(), false)
  release()
  assert.equal(await transaction, true)
  assert.equal(isInTransaction(), false)
})

test('a transaction that was rolled back for the sake of another runs again', async () => {
  let runs = 0
  const result = await repeatedOnConflict(async () => {
    runs += 1
    if (runs < 3) throw Object.assign(new Error('could not serialize access'), { code: '40001' })
    return 'done'
  })
  assert.deepEqual([result, runs], ['done', 3])
})

test('a transaction that never gets its turn is given up, and any other error is not repeated', async () => {
  let runs = 0
  const failing = (error: Error) => () => {
    runs += 1
    return Promise.reject(error)
  }
  const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' })
  await assert.rejects(repeatedOnConflict(failing(deadlock), { patience: 0 }), DatabaseUnavailable)
  assert.equal(runs, 5, 'however impatient')
  runs = 0
  await assert.rejects(repeatedOnConflict(failing(deadlock), { patience: 1_000 }), DatabaseUnavailable)
  assert.ok(runs >= 5)
  runs = 0
  await assert.rejects(repeatedOnConflict(failing(new Error('other'))), /other/)
  assert.equal(runs, 1)
})

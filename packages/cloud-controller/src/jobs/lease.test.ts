import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../testing/test-controller.ts'
import { holdLease, takeTurn } from './lease.ts'

const past = '2020-01-01T00:00:00.000Z'

test('a lease is renewed by its holder and taken by another only when it ran out', async (t) => {
  const { db } = await testController(t)
  assert.equal(await holdLease(db, 'work', 600), true)
  assert.equal(await holdLease(db, 'work', 600), true)
  await db.updateTable('leases').set({ owner: 'another' }).execute()
  assert.equal(await holdLease(db, 'work', 600), false)
  assert.equal(await holdLease(db, 'other work', 600), true)
  await db.updateTable('leases').set({ held_until: past }).where('name', '=', 'work').execute()
  assert.equal(await holdLease(db, 'work', 600), true)
  assert.equal((await db.selectFrom('leases').selectAll().where('owner', '=', 'another').execute()).length, 0)
})

test('a turn is taken once in its time, whoever asks', async (t) => {
  const { db } = await testController(t)
  assert.equal(await takeTurn(db, 'daily', 86_400), true)
  assert.equal(await takeTurn(db, 'daily', 86_400), false)
  await db.updateTable('leases').set({ held_until: past }).execute()
  const both = await Promise.all([takeTurn(db, 'daily', 600), takeTurn(db, 'daily', 600)])
  assert.deepEqual(both.sort(), [false, true])
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { testController } from '../testing/test-controller.ts'
import { freeAbandonedLeases } from './abandoned-leases.ts'

test('leases of a process that is gone are freed at start, those of the living and of other machines are kept', async (t) => {
  const { db } = await testController(t)
  const dead = spawnSync(process.execPath, ['--version']).pid
  const held_until = '2999-01-01T00:00:00.000Z'
  const owners = {
    dead: `${hostname()}:${dead}`,
    living: `${hostname()}:${process.pid}`,
    elsewhere: `elsewhere:${dead}`,
  }
  for (const [name, owner] of Object.entries(owners))
    await db.insertInto('leases').values({ name, owner, held_until }).execute()
  await freeAbandonedLeases(db)
  const left = await db.selectFrom('leases').select('name').orderBy('name').execute()
  assert.deepEqual(
    left.map(({ name }) => name),
    ['elsewhere', 'living'],
  )
})

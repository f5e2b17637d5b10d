import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { eventually } from '../testing/eventually.ts'
import { testController } from '../testing/test-controller.ts'
import { freeAbandonedLeases } from './abandoned-leases.ts'

test('leases of a process that is gone are freed at start, those of the living and of other machines are kept', async (t) => {
  const { db } = await testController(t)
  // More than any system gives to a process, so that none gets it meanwhile.
  const dead = 999_999_999
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

test('a killed process that nobody has asked for yet counts as gone', async (t) => {
  const { db } = await testController(t)
  // What the shell has become does not know of a child, and never asks for its end. The child must not end before that: bash asks.
  const shell = spawn('bash', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => shell.kill())
  const zombie = String(await once(shell.stdout, 'data').then(([chunk]) => chunk)).trim()
  const says = async (pid: string | number | undefined, line: RegExp) =>
    process.platform !== 'linux' || line.test(await readFile(`/proc/${pid}/status`, 'utf8'))
  await eventually('the shell is none any more', () => says(shell.pid, /^Name:\s+sleep$/m))
  process.kill(Number(zombie), 'SIGKILL')
  await eventually('the child is a zombie', () => says(zombie, /^State:\s+Z/m))
  const owner = `${hostname()}:${zombie}`
  await db.insertInto('leases').values({ name: 'zombie', owner, held_until: '2999-01-01T00:00:00.000Z' }).execute()
  await freeAbandonedLeases(db)
  assert.deepEqual(await db.selectFrom('leases').selectAll().execute(), [])
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import { CloudControllerConfig } from '../config.ts'
import { testController } from '../testing/test-controller.ts'
import { databaseWithoutSchema, postgresUrl } from '../testing/test-database.ts'
import { openDatabase } from './database.ts'
import { migrate } from './migrate.ts'

/** What holds on both databases. */

test('several Cloud Controllers that migrate at once end with one schema', async (t) => {
  const url = await emptyDatabase(t)
  await Promise.all([1, 2, 3].map(() => endOf(thread('migrate', url))))
  const db = await openDatabase(url)
  t.after(() => db.destroy())
  assert.deepEqual(await db.selectFrom('organizations').selectAll().execute(), [])
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length)
  await migrate(url)
})

test('the transaction of a thread that is ended in the middle rolls back, and its locks go', async (t) => {
  const { db, settings } = await testController(t)
  const worker = thread('hold', settings.databaseUrl)
  await once(worker, 'message')
  await worker.terminate()
  await db.updateTable('stacks').set({ state_reason: 'written after it' }).execute()
  const stack = await db.selectFrom('stacks').select(['description', 'state_reason']).executeTakeFirstOrThrow()
  assert.deepEqual({ ...stack }, { description: 'Processes on the host', state_reason: 'written after it' })
})

test('numbers come as numbers, and text is ordered by its bytes', async (t) => {
  const { db } = await testController(t)
  const time = new Date().toISOString()
  await db
    .insertInto('isolation_segments')
    .values(
      ['b', 'B', 'a', 'Ä', '_'].map((name, index) => ({
        guid: `${index}`,
        created_at: time,
        updated_at: time,
        name: `${name}${index}`,
      })),
    )
    .execute()
  const rows = await db
    .selectFrom('isolation_segments')
    .select('name')
    .where('name', '!=', 'shared')
    .orderBy('name')
    .execute()
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['B1', '_4', 'a2', 'b0', 'Ä3'],
  )
  const numbers = await db
    .selectFrom('organization_quotas')
    .select((eb) => [
      eb.fn.countAll().as('count'),
      eb.fn.sum('total_memory_in_mb').as('sum'),
      eb.fn.max('id').as('max'),
    ])
    .executeTakeFirstOrThrow()
  assert.deepEqual(
    Object.values(numbers).map((number) => typeof number),
    ['number', 'number', 'number'],
  )
})

test('a URL of another kind of database is refused', () => {
  const config = { dataDirectory: '/d', databaseUrl: 'mysql://localhost/cc' }
  const { error } = CloudControllerConfig.safeParse(config)
  assert.ok(
    error?.issues.some(({ message }) => message === 'is neither a postgres:// URL nor the path of a SQLite file'),
  )
})

async function emptyDatabase(t: TestContext): Promise<string> {
  if (postgresUrl) return (await databaseWithoutSchema(postgresUrl)).url
  const directory = await mkdtemp(join(tmpdir(), 'vcap-database-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'test.db')
}

const thread = (task: 'migrate' | 'hold', url: string): Worker =>
  new Worker(new URL('../testing/database-thread.ts', import.meta.url), { workerData: { task, url } })

/** Rejects with what the thread died of. */
async function endOf(worker: Worker): Promise<void> {
  await once(worker, 'exit')
}

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { type CutOffProxy, cutOffProxy } from '../testing/cut-off-proxy.ts'
import { eventually } from '../testing/eventually.ts'
import { type TestController, testController } from '../testing/test-controller.ts'
import { postgresUrl } from '../testing/test-database.ts'
import { openDatabase } from './database.ts'
import { DatabaseUnavailable } from './database-unavailable.ts'
import { migrate } from './migrate.ts'
import type { Db } from './schema.ts'

/** What only PostgreSQL can do, or do wrong. Run on the server that tools/run-tests.ts starts. */
const skip = postgresUrl === undefined && 'VCAP_TEST_POSTGRES_URL names no PostgreSQL server'

test('while the database is away requests answer 503, and when it is back they work', { skip }, async (t) => {
  const { admin, proxy } = await controllerBehindProxy(t)
  assert.equal((await admin.get('/v3/organizations')).status, 200)
  proxy.cut()
  for (const _ of [1, 2]) {
    const { status, body, headers } = await admin.get('/v3/organizations')
    assert.deepEqual(
      [status, body, headers.get('retry-after')],
      [503, { errors: [{ code: 10015, title: 'CF-ServiceUnavailable', detail: 'Database connection failure' }] }, '1'],
    )
  }
  proxy.restore()
  assert.equal((await admin.get('/v3/organizations')).status, 200)
})

test('a transaction whose connection breaks is undone, and the next one works', { skip }, async (t) => {
  const { db, proxy } = await controllerBehindProxy(t)
  const broken = db.transaction().execute(async (trx) => {
    await trx.updateTable('stacks').set({ description: 'lost' }).execute()
    proxy.cut()
    await trx.updateTable('stacks').set({ state_reason: 'lost too' }).execute()
  })
  await assert.rejects(broken, DatabaseUnavailable)
  proxy.restore()
  await db.transaction().execute((trx) => trx.updateTable('stacks').set({ state_reason: 'kept' }).execute())
  const stack = await db.selectFrom('stacks').select(['description', 'state_reason']).executeTakeFirstOrThrow()
  assert.deepEqual(stack, { description: 'Processes on the host', state_reason: 'kept' })
})

test('a commit whose answer is lost is not taken for a success', { skip }, async (t) => {
  const { db, proxy } = await controllerBehindProxy(t)
  const broken = db.transaction().execute(async (trx) => {
    await trx.updateTable('stacks').set({ description: 'perhaps' }).execute()
    proxy.cut()
  })
  await assert.rejects(broken, DatabaseUnavailable)
})

test('a lock that is not to be had and a statement that does not end are given up', { skip }, async (t) => {
  const { db, settings } = await testController(t)
  const impatient = await database(t, settings.databaseUrl, { lock_timeout: '100' })
  await db.transaction().execute(async (trx) => {
    await trx.updateTable('stacks').set({ description: 'locked' }).execute()
    const blocked = impatient.updateTable('stacks').set({ description: 'late' }).execute()
    await assert.rejects(blocked, { name: 'DatabaseUnavailable', message: /lock timeout/ })
  })
  const hasty = await database(t, settings.databaseUrl, { statement_timeout: '1000' })
  const endless = sql`select pg_sleep(1000)`.execute(hasty)
  await assert.rejects(endless, { name: 'DatabaseUnavailable', message: /statement timeout/ })
  // A server that is slow for a second gives up this one as well, which is no matter of this test.
  for (const connection of [impatient, hasty])
    await eventually('its connection serves again', async () => {
      const rows = await connection.selectFrom('stacks').select('id').execute().catch(unlessTimedOut)
      return rows?.length === 1
    })
})

test('a thread has one connection, with limits on locks and statements', { skip }, async (t) => {
  const { db } = await testController(t)
  const sessions = await Promise.all(
    [1, 2, 3].map(() => sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)),
  )
  assert.equal(new Set(sessions.map(({ rows }) => rows[0]?.pid)).size, 1)
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings
    where name in ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout') order by name`.execute(
    db,
  )
  assert.deepEqual(rows, [
    { name: 'idle_in_transaction_session_timeout', setting: '120000' },
    { name: 'lock_timeout', setting: '10000' },
    { name: 'statement_timeout', setting: '60000' },
  ])
})

test('statements go on while another Cloud Controller migrates, in and outside of transactions', {
  skip,
}, async (t) => {
  const { db } = await testController(t)
  const stacks = (connection: Db) => connection.selectFrom('stacks').selectAll().execute()
  const before = await stacks(db)
  await sql`alter table stacks add column colour text`.execute(db)
  const [stack] = await stacks(db)
  assert.ok(stack)
  assert.deepEqual(Object.keys(stack), [...Object.keys(before[0] ?? {}), 'colour'])
  await sql`alter table stacks drop column colour`.execute(db)
  let attempts = 0
  const inside = await db.transaction().execute((trx) => {
    attempts += 1
    return stacks(trx)
  })
  assert.deepEqual([inside, attempts], [before, 2])
})

test('a connection keeps its statements prepared, within limits', { skip }, async (t) => {
  const { db } = await testController(t)
  for (let length = 1; length <= 250; length++)
    await db
      .selectFrom('stacks')
      .select('id')
      .where(
        'name',
        'in',
        Array.from({ length }, (_, index) => `stack-${index}`),
      )
      .execute()
  const { rows } = await sql<{ count: number }>`select count(*) as count from pg_prepared_statements`.execute(db)
  assert.equal(rows[0]?.count, 200)
})

test('transactions that decide by what they have read are as if one came after the other', { skip }, async (t) => {
  const { db, settings } = await testController(t)
  const connections = [db, await database(t, settings.databaseUrl), await database(t, settings.databaseUrl)]
  const addNext = (connection: Db) =>
    connection.transaction().execute(async (trx) => {
      const { count } = await trx
        .selectFrom('isolation_segments')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      const time = new Date().toISOString()
      await trx
        .insertInto('isolation_segments')
        .values({ guid: randomUUID(), created_at: time, updated_at: time, name: `segment-${count}` })
        .execute()
    })
  for (let round = 0; round < 4; round++) await Promise.all(connections.map(addNext))
  const rows = await db.selectFrom('isolation_segments').select('name').orderBy('id').execute()
  assert.deepEqual(rows.map(({ name }) => name).sort(), [
    ...Array.from({ length: 12 }, (_, index) => `segment-${index + 1}`).sort(),
    'shared',
  ])
})

test('transactions that lock in opposite orders both end well', { skip }, async (t) => {
  const { db, settings } = await testController(t)
  const other = await database(t, settings.databaseUrl)
  const touch = (connection: Db, tables: ReadonlyArray<'stacks' | 'domains'>) =>
    connection.transaction().execute(async (trx) => {
      for (const table of tables) {
        await trx.updateTable(table).set({ updated_at: new Date().toISOString() }).execute()
        await sql`select pg_sleep(0.02)`.execute(trx)
      }
    })
  await Promise.all([touch(db, ['stacks', 'domains']), touch(other, ['domains', 'stacks'])])
})

test('an address where nobody answers is told at the start', async () => {
  await assert.rejects(migrate('postgres://nobody@127.0.0.1:1/nothing'), DatabaseUnavailable)
})

function unlessTimedOut(error: unknown): undefined {
  if (!/statement timeout/.test(String(error))) throw error
}

async function controllerBehindProxy(t: TestContext): Promise<TestController & { proxy: CutOffProxy }> {
  const { settings } = await testController(t)
  const proxy = await cutOffProxy(t, settings.databaseUrl)
  return { ...(await testController(t, { databaseUrl: proxy.url })), proxy }
}

async function database(t: TestContext, url: string, parameters: Record<string, string> = {}): Promise<Db> {
  const limited = new URL(url)
  for (const [name, value] of Object.entries(parameters)) limited.searchParams.set(name, value)
  const db = await openDatabase(limited.href)
  t.after(() => db.destroy())
  return db
}

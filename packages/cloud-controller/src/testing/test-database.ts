import { createHash, randomUUID } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { Client } from 'pg'
import { migrate } from '../db/migrate.ts'

/**
 * The server that the tests use instead of SQLite files: what tools/run-tests.ts says while it runs them on PostgreSQL. Any
 * server will do of which the URL names a superuser.
 */
export const postgresUrl: string | undefined = process.env.VCAP_TEST_POSTGRES_URL

export interface TestDatabase {
  readonly url: string
  /** When its test has ended. */
  giveBack(): Promise<void>
}

/** A database with the newest schema and no rows: a file in the folder, or one on the server. */
export async function testDatabase(directory: string): Promise<TestDatabase> {
  if (postgresUrl) return emptiedDatabase(postgresUrl)
  const url = join(directory, 'cloud-controller.db')
  await migrate(url)
  return { url, giveBack: async () => undefined }
}

/** A database without a schema, on PostgreSQL. */
export async function databaseWithoutSchema(server: string): Promise<TestDatabase> {
  const url = await createDatabase(server, 'template1')
  return { url, giveBack: async () => undefined }
}

/** To empty a database takes a fifth of what it takes to make one, so a test process uses its own again. */
const free: string[] = []

async function emptiedDatabase(server: string): Promise<TestDatabase> {
  const url = free.pop() ?? (await createDatabase(server, await templateOn(server)))
  return {
    url,
    giveBack: async () => {
      await withClient(url, (client) => client.query(deleteAllRows))
      free.push(url)
    },
  }
}

/** Without asking for foreign keys, and leaving what Kysely knows of migrations. */
const deleteAllRows = `do $$
declare row record;
begin
  perform set_config('session_replication_role', 'replica', true);
  for row in select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely%' loop
    execute format('delete from %I', row.tablename);
  end loop;
end $$`

const created: string[] = []

async function createDatabase(server: string, template: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await withClient(server, (client) => client.query(`create database ${name} template ${template}`))
  created.push(name)
  return databaseOn(server, name)
}

after(async () => {
  if (!postgresUrl || created.length === 0) return
  await withClient(postgresUrl, async (client) => {
    for (const name of created) await client.query(`drop database ${name} with (force)`)
  })
})

let template: Promise<string> | undefined

/** Made once for all test processes. Its name tells the schema, should the server outlive it. */
function templateOn(server: string): Promise<string> {
  template ??= withClient(server, async (client) => {
    const name = `template_${schemaDigest()}`
    await client.query('select pg_advisory_lock(1)')
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) {
      const unfinished = `${name}_unfinished`
      await client.query(`drop database if exists ${unfinished} with (force)`)
      await client.query(`create database ${unfinished}`)
      await migrate(databaseOn(server, unfinished))
      await client.query(`alter database ${unfinished} rename to ${name}`)
    }
    return name
  })
  return template
}

function schemaDigest(): string {
  const digest = createHash('sha256')
  const folder = join(import.meta.dirname, '../db')
  for (const file of globSync(['dialect.ts', 'migrations/*.ts'], { cwd: folder }).sort())
    digest.update(readFileSync(join(folder, file)))
  return digest.digest('hex').slice(0, 16)
}

function databaseOn(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  // The machine may stand still while a connection is made.
  url.searchParams.set('connect_timeout', '60')
  return url.href
}

/** A connection for one purpose; closing it gives back its locks. */
async function withClient<T>(server: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: server })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

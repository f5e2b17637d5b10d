import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type Dialect, SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import { DatabaseUnavailable } from '../database-unavailable.ts'

/**
 * How long a thread waits for the one writer before SQLITE_BUSY: half of the time that a request has. SQLite's lock is not fair, and a
 * writer on a machine that is busy with other things may itself have to wait for the processor.
 */
const busyTimeoutInMilliseconds = 30_000
/** Statements that a connection keeps prepared; a controller has some hundreds of different ones. */
const preparedStatementLimit = 500

/**
 * SQLite through node:sqlite, one connection a thread. The busy timeout comes first, because even switching to WAL may meet
 * a lock. `synchronous=NORMAL` with WAL loses nothing when the process is killed, only (the last commits) at a power cut.
 */
export function sqliteDialect(file: string): Dialect {
  return new OurSqliteDialect({ database: async () => openSqlite(file) })
}

/** Migrations in a transaction, which SQLite is able to do: of several Cloud Controllers that start at once one works. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class OurSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }
}

function openSqlite(file: string): SqliteDatabase {
  const connection = new DatabaseSync(file, { timeout: busyTimeoutInMilliseconds })
  connection.exec(
    'pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on; pragma temp_store = memory',
  )
  const prepared = new Map<string, SqliteStatement>()
  return {
    close: () => connection.close(),
    prepare(sql) {
      const known = prepared.get(sql)
      if (known) return known
      const statement = adapt(connection.prepare(writeTransaction(sql)))
      if (prepared.size >= preparedStatementLimit) prepared.clear()
      prepared.set(sql, statement)
      return statement
    },
  }
}

/**
 * Every transaction of ours writes. A deferred one that reads first fails with SQLITE_BUSY at its first write when another
 * thread has written meanwhile, whatever the busy timeout; an immediate one waits for its turn at the start.
 */
function writeTransaction(sql: string): string {
  return sql === 'begin' ? 'begin immediate' : sql
}

/** The part of better-sqlite3's interface that Kysely uses, over node:sqlite. */
function adapt(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => withOurErrors(() => statement.all(...(parameters as SQLInputValue[]))),
    run: (parameters) => withOurErrors(() => statement.run(...(parameters as SQLInputValue[]))),
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
  }
}

/** SQLITE_BUSY: another wrote for longer than the busy timeout. */
const busyCode = 5

function withOurErrors<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    // The low byte of an extended result code is the primary one.
    if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === busyCode)
      throw new DatabaseUnavailable(error)
    throw error
  }
}

import { type Dialect, PostgresDialect } from 'kysely'
import { Pool, type PoolConfig, types } from 'pg'

const lockTimeoutInMilliseconds = 10_000
const statementTimeoutInMilliseconds = 60_000
/** PostgreSQL's int8, which pg hands over as text because it may not fit a number; our counts and ids do. */
const int8TypeId = 20

/** PostgreSQL through pg. A thread serves one request at a time, so one connection is enough for it. */
export function postgresDialect(url: string): Dialect {
  const config: PoolConfig = {
    connectionString: url,
    max: 1,
    keepAlive: true,
    lock_timeout: lockTimeoutInMilliseconds,
    statement_timeout: statementTimeoutInMilliseconds,
    types: {
      getTypeParser: (id, format) => (id === int8TypeId ? Number : types.getTypeParser(id, format)),
    },
  }
  return new PostgresDialect({ pool: async () => new Pool(config) })
}

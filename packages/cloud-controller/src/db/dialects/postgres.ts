import { type Dialect, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { Pool, type PoolClient, type PoolConfig, types } from 'pg'
import { DatabaseUnavailable } from '../database-unavailable.ts'
import { isInTransaction } from '../transactions.ts'
import { isOutdatedPlan, statementError } from './postgres-errors.ts'
import { PreparedNames } from './prepared-names.ts'

const connectTimeoutInSeconds = 5
const lockTimeoutInMilliseconds = 10_000
const statementTimeoutInMilliseconds = 60_000
/** A thread that is cut off in the middle of a transaction must not hold its locks until TCP gives up. */
const idleInTransactionTimeoutInMilliseconds = 120_000
/** How often the server looks during a statement whether there is still somebody to answer: an ended thread's locks go then. */
const connectionCheckIntervalInMilliseconds = 1_000
/** PostgreSQL's int8, which pg hands over as text because it may not fit a number; our counts and ids do. */
const int8TypeId = 20
/** PostgreSQL's numeric, the type of `sum` over int8. */
const numericTypeId = 1700

export interface PostgresOptions {
  /** Without time limits, for migrations: they may take long, and other Cloud Controllers wait for them. */
  readonly isPatient?: boolean
}

/**
 * PostgreSQL (14 or newer) through pg. A thread serves one request at a time, so one connection is enough for it. A connection
 * that breaks is thrown away: whoever was using it gets DatabaseUnavailable, and the next statement connects again.
 */
export function postgresDialect(url: string, { isPatient = false }: PostgresOptions = {}): Dialect {
  const config: PoolConfig = {
    connectionString: url,
    application_name: 'cloud-controller',
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: connectTimeoutOf(url) * 1000,
    keepAlive: true,
    options: `-c client_connection_check_interval=${connectionCheckIntervalInMilliseconds}`,
    ...(!isPatient && {
      lock_timeout: lockTimeoutInMilliseconds,
      statement_timeout: statementTimeoutInMilliseconds,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutInMilliseconds,
    }),
    types: {
      getTypeParser: (id, format) =>
        id === int8TypeId || id === numericTypeId ? Number : types.getTypeParser(id, format),
    },
  }
  return new PostgresDialect({ pool: async () => adaptPool(new Pool(config)) })
}

/** As the URL says in the words of libpq, which pg does not read there: `?connect_timeout=10`. In seconds; 0 is for ever. */
function connectTimeoutOf(url: string): number {
  const timeout = new URL(url).searchParams.get('connect_timeout') ?? ''
  return /^\d+$/.test(timeout) ? Number(timeout) : connectTimeoutInSeconds
}

/** Errors become ours here, where it is certain that they come from the database. */
function adaptPool(pool: Pool): PostgresPool {
  // An idle connection broke; the pool has dropped it. Without a listener the error would end the thread.
  pool.on('error', () => undefined)
  // The same while a connection is in use: then the statement fails, and says so.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const clients = new WeakMap<PoolClient, PostgresPoolClient>()
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect().catch((error: unknown) => {
        throw new DatabaseUnavailable(error)
      })
      const known = clients.get(client)
      if (known) return known
      const adapted = adaptClient(client)
      clients.set(client, adapted)
      return adapted
    },
  }
}

function adaptClient(client: PoolClient): PostgresPoolClient {
  const prepared = new PreparedNames()
  const query = async (text: string, parameters: readonly unknown[]): Promise<unknown> => {
    const name = prepared.nameOf(text)
    const values = [...parameters]
    try {
      return await client.query({ text, values, ...(name !== undefined && { name }) })
    } catch (error) {
      if (!isOutdatedPlan(error)) throw statementError(error)
      prepared.renew(text)
      // A transaction has failed with it, and is run again as a whole.
      if (isInTransaction()) throw error
      return query(text, parameters)
    }
  }
  return {
    // Kysely's second form, for cursors, is used only where a cursor was configured.
    query: query as unknown as PostgresPoolClient['query'],
    release: (shouldDestroy) => client.release(shouldDestroy),
  }
}

import { Kysely } from 'kysely'
import { databaseKind } from './dialect.ts'
import type { Db, Tables } from './schema.ts'

export interface DatabaseOptions {
  /** Called for every statement with its duration, for metrics and for tests that count. */
  onQuery?: (sql: string, milliseconds: number) => void
}

/** Opens one connection of this thread. It is not checked that the schema is current: `migrate` does that once, at start. */
export async function openDatabase(url: string, { onQuery }: DatabaseOptions = {}): Promise<Db> {
  const { dialect } = await databaseKind(url)
  return new Kysely<Tables>({
    dialect,
    ...(onQuery && { log: (event) => onQuery(event.query.sql, event.queryDurationMillis) }),
  })
}

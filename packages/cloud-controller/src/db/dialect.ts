import type { ColumnDefinitionBuilder, Dialect } from 'kysely'

/** The only places where SQLite and PostgreSQL differ. */
export interface DatabaseKind {
  readonly name: 'sqlite' | 'postgres'
  readonly dialect: Dialect
  /** Column type and clauses of a growing integer key. */
  readonly identity: {
    type: 'integer' | 'bigserial'
    define: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
  }
}

/** `postgres://…` is PostgreSQL; anything else is the path of a SQLite file. */
export async function databaseKind(url: string): Promise<DatabaseKind> {
  if (/^postgres(ql)?:/.test(url)) {
    const { postgresDialect } = await import('./dialects/postgres.ts')
    return {
      name: 'postgres',
      dialect: postgresDialect(url),
      identity: { type: 'bigserial', define: (column) => column.primaryKey() },
    }
  }
  const { sqliteDialect } = await import('./dialects/sqlite.ts')
  return {
    name: 'sqlite',
    dialect: sqliteDialect(url),
    identity: { type: 'integer', define: (column) => column.primaryKey().autoIncrement() },
  }
}

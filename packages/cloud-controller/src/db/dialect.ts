import { type ColumnDefinitionBuilder, type Dialect, type IsolationLevel, type RawBuilder, sql } from 'kysely'

/** The only places where SQLite and PostgreSQL differ. */
export interface DatabaseKind {
  readonly name: 'sqlite' | 'postgres'
  readonly dialect: Dialect
  /** Column type and clauses of a growing integer key. */
  readonly identity: {
    type: 'integer' | 'bigserial'
    define: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
  }
  /** The type of a text column: compared byte by byte, with letter case known of ASCII only, wherever the database was made. */
  readonly textType: RawBuilder<unknown>
  /** As if there were one transaction at a time, which is what SQLite does anyway. */
  readonly isolationLevel: IsolationLevel | undefined
}

export interface DatabaseKindOptions {
  /** Statements may take as long as they need, and wait for locks. For migrations. */
  readonly isPatient?: boolean
}

/** `postgres://…` is PostgreSQL; anything else is the path of a SQLite file. */
export async function databaseKind(
  url: string,
  { isPatient = false }: DatabaseKindOptions = {},
): Promise<DatabaseKind> {
  if (/^postgres(ql)?:/.test(url)) {
    const { postgresDialect } = await import('./dialects/postgres.ts')
    return {
      name: 'postgres',
      dialect: postgresDialect(url, { isPatient }),
      identity: { type: 'bigserial', define: (column) => column.primaryKey() },
      textType: sql`text collate "C"`,
      isolationLevel: 'serializable',
    }
  }
  const { sqliteDialect } = await import('./dialects/sqlite.ts')
  return {
    name: 'sqlite',
    dialect: sqliteDialect(url),
    identity: { type: 'integer', define: (column) => column.primaryKey().autoIncrement() },
    textType: sql`text`,
    isolationLevel: undefined,
  }
}

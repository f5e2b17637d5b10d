import type { CreateTableBuilder, Kysely } from 'kysely'
import type { DatabaseKind } from '../dialect.ts'

// biome-ignore lint/suspicious/noExplicitAny: a migration sees the schema as it was, which no current type describes
export type AnyDb = Kysely<any>

/** Starts a table with its growing key. */
export function tableWithId(db: AnyDb, name: string, { identity }: DatabaseKind): CreateTableBuilder<string, never> {
  return db.schema.createTable(name).addColumn('id', identity.type, identity.define) as CreateTableBuilder<
    string,
    never
  >
}

/** Starts a table whose rows clients know by guid. */
export function identifiedTable(db: AnyDb, name: string, kind: DatabaseKind): CreateTableBuilder<string, never> {
  return tableWithId(db, name, kind)
    .addColumn('guid', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull()) as CreateTableBuilder<string, never>
}

/** Adds columns by short description: `name!` is not null, `flag`s and numbers are integers, `>table` is a foreign key on its guid. */
export function withColumns<T extends CreateTableBuilder<string, never>>(
  table: T,
  columns: Readonly<Record<string, ColumnKind>>,
): T {
  let builder: CreateTableBuilder<string, string> = table
  for (const [name, kind] of Object.entries(columns)) {
    const [type, parent] = kind.split('>') as [string, string | undefined]
    const required = type.endsWith('!')
    builder = builder.addColumn(name, sqlTypes[type.replace('!', '') as keyof typeof sqlTypes], (column) => {
      const checked = required ? column.notNull() : column
      return parent ? checked.references(`${parent}.guid`) : checked
    })
  }
  return builder as unknown as T
}

const sqlTypes = { text: 'text', integer: 'integer', bigint: 'bigint' } as const
type Kind = keyof typeof sqlTypes
export type ColumnKind = Kind | `${Kind}!` | `${Kind}${'' | '!'}>${string}`

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
    .addColumn('guid', kind.textType, (column) => column.notNull().unique())
    .addColumn('created_at', kind.textType, (column) => column.notNull())
    .addColumn('updated_at', kind.textType, (column) => column.notNull()) as CreateTableBuilder<string, never>
}

/** Adds columns by short description: `text!` is not null, flags and numbers are integers, `>table` is a foreign key on its guid. */
export function withColumns<T extends CreateTableBuilder<string, never>>(
  table: T,
  { textType }: DatabaseKind,
  columns: Readonly<Record<string, ColumnKind>>,
): T {
  let builder: CreateTableBuilder<string, string> = table
  for (const [name, kind] of Object.entries(columns)) {
    const [type, parent] = kind.split('>') as [string, string | undefined]
    const required = type.endsWith('!')
    const sqlType = type.replace('!', '') as Kind
    builder = builder.addColumn(name, sqlType === 'text' ? textType : sqlType, (column) => {
      const checked = required ? column.notNull() : column
      return parent ? checked.references(`${parent}.guid`) : checked
    })
  }
  return builder as unknown as T
}

type Kind = 'text' | 'integer' | 'bigint'
export type ColumnKind = Kind | `${Kind}!` | `${Kind}${'' | '!'}>${string}`

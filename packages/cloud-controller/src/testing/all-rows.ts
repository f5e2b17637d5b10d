import type { Db, Tables } from '../db/schema.ts'

/** Each row as text, in the order of the texts. */
export type Rows = Readonly<Record<string, readonly string[]>>

/** The names of all tables. Asks the database itself, so that none is forgotten. */
export async function tableNames(db: Db): Promise<Array<keyof Tables>> {
  return (await db.introspection.getTables()).map(({ name }) => name as keyof Tables)
}

/** All rows of these tables, so that two moments can be compared. */
export async function allRows(db: Db, tables: ReadonlyArray<keyof Tables>): Promise<Rows> {
  const rows: Record<string, string[]> = {}
  for (const table of tables)
    rows[table] = (await db.selectFrom(table).selectAll().execute()).map((row) => JSON.stringify(row)).sort()
  return rows
}

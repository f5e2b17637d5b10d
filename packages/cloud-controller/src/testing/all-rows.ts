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

/** What was there before and is not any more, and what is new; `{}` if nothing has changed. */
export function changedRows(before: Rows, after: Rows): Record<string, { gone: string[]; added: string[] }> {
  const changes: Record<string, { gone: string[]; added: string[] }> = {}
  for (const table of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, current] = [before[table] ?? [], after[table] ?? []]
    const [known, left] = [new Set(old), new Set(current)]
    const [gone, added] = [old.filter((row) => !left.has(row)), current.filter((row) => !known.has(row))]
    if (gone.length > 0 || added.length > 0) changes[table] = { gone, added }
  }
  return changes
}

import type { Row, Trx } from './schema.ts'

type Lockable =
  | 'apps'
  | 'domains'
  | 'organization_quotas'
  | 'organizations'
  | 'processes'
  | 'routes'
  | 'space_quotas'
  | 'spaces'

/**
 * Reads the row with this guid and keeps other transactions from changing it until this one ends; undefined when it is gone. A write
 * that changes nothing locks the row on every database; `for update` is unknown to SQLite.
 */
export async function lockRow<T extends Lockable>(trx: Trx, table: T, guid: string): Promise<Row<T> | undefined> {
  const row = await trx
    // Kysely can't type a statement for a table that is a type parameter; all of these have a guid.
    .updateTable(table as 'apps')
    .set((eb) => ({ guid: eb.ref('guid') }))
    .where('guid', '=', guid)
    .returningAll()
    .executeTakeFirst()
  return row as Row<T> | undefined
}

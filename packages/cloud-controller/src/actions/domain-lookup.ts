import { lockRow } from '../db/lock-row.ts'
import type { Db, Row, Trx } from '../db/schema.ts'

/** The domain of this name, whatever its letter case. */
export async function findDomainByName(db: Db, name: string): Promise<Row<'domains'> | undefined> {
  return db
    .selectFrom('domains')
    .selectAll()
    .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', name.toLowerCase()))
    .executeTakeFirst()
}

/**
 * Keeps other transactions from making and moving routes in the domain until this one ends: that a host belongs to one space
 * holds over several rows, which no index can say. Returns whether the domain is still there.
 */
export async function lockDomain(trx: Trx, guid: string): Promise<boolean> {
  return (await lockRow(trx, 'domains', guid)) !== undefined
}

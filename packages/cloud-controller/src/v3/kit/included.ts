import { sql } from 'kysely'
import type { Db, Tables } from '../../db/schema.ts'
import { presentAll } from './present.ts'
import type { Included, Resource, ResourceRow, View } from './resource.ts'

/**
 * One part of `included`: the rows of `resource` with these guids that the caller sees, each once, ordered by creation.
 * Constant number of statements.
 */
export async function includedRows<TB extends keyof Tables, R extends ResourceRow, E>(
  db: Db,
  resource: Resource<TB, R, E>,
  { key, guids, view }: { key: string; guids: readonly string[]; view: View },
): Promise<Included> {
  if (guids.length === 0) return { key, resources: [] }
  const rows = await resource
    .readableBy(resource.select(db), view.caller, db)
    .where(sql<boolean>`${sql.ref(`${resource.table}.guid`)} in (${sql.join([...new Set(guids)])})`)
    .orderBy(sql.ref(`${resource.table}.created_at`))
    .orderBy(sql.ref(`${resource.table}.guid`))
    .execute()
  return { key, resources: await presentAll(db, resource, rows as R[], view) }
}

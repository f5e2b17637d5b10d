import type { Insertable } from 'kysely'
import type { Db, Tables, Trx } from '../db/schema.ts'

/** Parents before children, as foreign keys want it. */
const order = [
  'users',
  'organization_quotas',
  'organizations',
  'space_quotas',
  'isolation_segments',
  'isolation_segment_organizations',
  'spaces',
  'roles',
  'domains',
  'stacks',
  'buildpacks',
  'security_groups',
  'security_group_spaces',
  'apps',
  'packages',
  'builds',
  'droplets',
  'revisions',
  'deployments',
  'processes',
  'sidecars',
  'routes',
  'route_destinations',
  'service_instances',
  'service_credential_bindings',
  'service_route_bindings',
  'audit_events',
  'app_usage_events',
] as const satisfies ReadonlyArray<keyof Tables>
type Table = (typeof order)[number]

/** These rows again and again, each time as something of its own; what they refer to stays the same unless it is multiplied too. */
export interface Multiplication {
  readonly times: number
  readonly tables: readonly Table[]
}

/** What the lists of a whole controller and of one space, app or organization need to become long. */
export const longLists = (times: number): readonly Multiplication[] => {
  const shared: readonly Table[] = [
    'users',
    'organizations',
    'isolation_segment_organizations',
    'spaces',
    'roles',
    'apps',
    'stacks',
    'isolation_segments',
  ]
  return [
    { times, tables: order },
    { times, tables: order.filter((table) => !shared.includes(table)) },
    { times, tables: ['users', 'roles'] },
    { times, tables: ['droplets'] },
    { times, tables: ['organizations', 'isolation_segment_organizations'] },
  ]
}

/** Multiplies all rows that there are at first. */
export async function multiply(db: Db, multiplications: readonly Multiplication[]): Promise<void> {
  const originals = new Map<Table, ReadonlyArray<Record<string, unknown>>>()
  for (const table of order) originals.set(table, await db.selectFrom(table).selectAll().execute())
  const guidsOf = (tables: readonly Table[]): unknown[] =>
    tables.flatMap((table) => (originals.get(table) ?? []).map(({ guid }) => guid))
  await db.transaction().execute(async (trx) => {
    for (const [index, { times, tables }] of multiplications.entries()) {
      // A web process has the guid of its app, which may stay.
      const staying = new Set(guidsOf(order.filter((table) => !tables.includes(table))))
      const guids = new Set(guidsOf(tables).filter((guid) => !staying.has(guid)))
      for (let copy = 0; copy < times; copy += 1) {
        const suffix = `-${index}-${copy}`
        for (const table of order.filter((name) => tables.includes(name)))
          await insertCopies(trx, table, originals.get(table) ?? [], { guids, suffix })
      }
    }
  })
}

/** Columns that, with a parent, tell one row from another. */
const names = new Set(['name', 'host', 'type'])

async function insertCopies(
  trx: Trx,
  table: Table,
  rows: ReadonlyArray<Record<string, unknown>>,
  { guids, suffix }: { guids: ReadonlySet<unknown>; suffix: string },
): Promise<void> {
  const copies = rows.map(({ id: _, ...row }) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => {
        const isName = names.has(column) && (column !== 'type' || table === 'processes')
        const isOwn = column === 'guid' || guids.has(value)
        return [column, (isName && value !== null) || isOwn ? `${value}${suffix}` : value]
      }),
    ),
  )
  if (copies.length === 0) return
  await trx
    .insertInto(table)
    .values(copies as never as Array<Insertable<Tables['apps']>>)
    .execute()
}

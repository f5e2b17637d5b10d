import { hostname } from 'node:os'
import type { Db } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'

const owner = `${hostname()}:${process.pid}`

/** Takes or renews a named lease, so that of several Cloud Controllers one does a piece of work. Returns whether we hold it. */
export async function holdLease(db: Db, name: string, seconds: number): Promise<boolean> {
  const time = now()
  const held = { owner, held_until: new Date(Date.now() + seconds * 1000).toISOString() }
  const taken = await db
    .insertInto('leases')
    .values({ name, ...held })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet(held)
        .where((eb) => eb.or([eb('leases.owner', '=', owner), eb('leases.held_until', '<', time)])),
    )
    .returning('name')
    .executeTakeFirst()
  return taken !== undefined
}

import { hostname } from 'node:os'
import type { Db } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'

const owner = `${hostname()}:${process.pid}`

/** Takes or renews a named lease, so that of several Cloud Controllers one does a piece of work. Returns whether we hold it. */
export function holdLease(db: Db, name: string, seconds: number): Promise<boolean> {
  return take(db, name, seconds, { renewable: true })
}

/** Whether it is time again for something that is due every so many seconds, whichever Cloud Controller does it. */
export function takeTurn(db: Db, name: string, seconds: number): Promise<boolean> {
  return take(db, name, seconds, { renewable: false })
}

async function take(db: Db, name: string, seconds: number, { renewable }: { renewable: boolean }): Promise<boolean> {
  const time = now()
  const held = { owner, held_until: new Date(Date.now() + seconds * 1000).toISOString() }
  const taken = await db
    .insertInto('leases')
    .values({ name, ...held })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet(held)
        .where((eb) =>
          eb.or([eb('leases.held_until', '<', time), ...(renewable ? [eb('leases.owner', '=', owner)] : [])]),
        ),
    )
    .returning('name')
    .executeTakeFirst()
  return taken !== undefined
}

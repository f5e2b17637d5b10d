import { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { type DatabaseKind, databaseKind } from './dialect.ts'
import * as pushPath from './migrations/0001-push-path.ts'
import type { AnyDb } from './migrations/table-builder.ts'

const migrations: Record<string, { up: (db: AnyDb, kind: DatabaseKind) => Promise<void> }> = {
  '0001-push-path': pushPath,
}

/**
 * Brings the schema to the newest state, forward only, before the first request thread opens its connection. Several Cloud
 * Controllers may start at once: Kysely's lock lets one of them work and the others wait.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const kind = await databaseKind(databaseUrl, { isPatient: true })
  const db: AnyDb = new Kysely({ dialect: kind.dialect })
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => forKind(kind) } })
    const { error } = await migrator.migrateToLatest()
    if (error) throw error
  } finally {
    await db.destroy()
  }
}

function forKind(kind: DatabaseKind): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(migrations).map(([name, { up }]) => [name, { up: (db: AnyDb) => up(db, kind) }]),
  )
}

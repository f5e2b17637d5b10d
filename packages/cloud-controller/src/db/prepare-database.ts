import { seedDatabase } from '../actions/seed.ts'
import type { Settings } from '../config.ts'
import { openDatabase } from './database.ts'
import { migrate } from './migrate.ts'

/** Brings schema and first rows up to date. Runs once at start, before there are threads. */
export async function prepareDatabase(settings: Settings): Promise<void> {
  await migrate(settings.databaseUrl)
  const db = await openDatabase(settings.databaseUrl)
  try {
    await seedDatabase(db, settings)
  } finally {
    await db.destroy()
  }
}

import { join } from 'node:path'
import { seedDatabase } from '../actions/seed.ts'
import { installSystemBuildpacks } from '../bits/system-buildpacks.ts'
import { diskBlobstore } from '../blobstore/blobstore.ts'
import type { Settings } from '../config.ts'
import { freeAbandonedLeases } from '../jobs/abandoned-leases.ts'
import { openDatabase } from './database.ts'
import { migrate } from './migrate.ts'

/** Brings schema, first rows and system buildpacks up to date. Runs once at start, before there are threads. */
export async function prepareDatabase(settings: Settings): Promise<void> {
  await migrate(settings.databaseUrl)
  const db = await openDatabase(settings.databaseUrl)
  try {
    await freeAbandonedLeases(db)
    await seedDatabase(db, settings)
    await installSystemBuildpacks(db, diskBlobstore(join(settings.dataDirectory, 'blobs')), settings)
  } finally {
    await db.destroy()
  }
}

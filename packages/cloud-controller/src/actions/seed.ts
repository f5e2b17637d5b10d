import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Settings } from '../config.ts'
import type { Db } from '../db/schema.ts'
import { sealVariables } from '../dea/sealed-variables.ts'
import { now } from '../v3/kit/timestamps.ts'
import { defaultQuotaName } from './organizations.ts'
import { unlimited } from './quota-limits.ts'

/** The segment of who is in no other; its guid is the same on every Cloud Foundry (cloud_controller_ng isolation_segment_model.rb). */
export const sharedIsolationSegmentGuid = '933b4c58-120b-499a-b85d-4b6fc9e2903b'

/**
 * What must be there before the first request: the quota "default", the stack, the shared domains, the shared isolation
 * segment, the two groups of environment variables. Existing rows stay as they are, so an operator's changes survive a
 * restart. Several Cloud Controllers may do this at once.
 */
export async function seedDatabase(db: Db, settings: Settings): Promise<void> {
  await seedDefaultQuota(db)
  await db
    .insertInto('stacks')
    .values({
      ...identity(),
      name: settings.apps.stack,
      description: 'Processes on the host',
      state: 'ACTIVE',
      state_reason: null,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  for (const name of settings.appsDomains) {
    await db
      .insertInto('domains')
      .values({ ...identity(), name, internal: 0, router_group_guid: null, owning_organization_guid: null })
      .onConflict((conflict) => conflict.expression(sql`lower(name)`).doNothing())
      .execute()
  }
  await db
    .insertInto('isolation_segments')
    .values({ ...identity(), guid: sharedIsolationSegmentGuid, name: 'shared' })
    .onConflict((conflict) => conflict.column('guid').doNothing())
    .execute()
  await seedEnvironmentVariableGroups(db, settings)
}

async function seedEnvironmentVariableGroups(db: Db, settings: Settings): Promise<void> {
  const known = await db.selectFrom('environment_variable_groups').select('name').execute()
  for (const name of ['running', 'staging'] as const) {
    // Looked up first, because sealing derives a key, which is slow on purpose.
    if (known.some((group) => group.name === name)) continue
    await db
      .insertInto('environment_variable_groups')
      .values({ name, sealed_variables: sealVariables(settings, {}), updated_at: now() })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
  }
}

/** As cf-deployment defines it, but for unlimited services. */
async function seedDefaultQuota(db: Db): Promise<void> {
  await db
    .insertInto('organization_quotas')
    .values({
      ...identity(),
      name: defaultQuotaName,
      ...unlimited,
      total_memory_in_mb: 102_400,
      total_routes: 1000,
      total_reserved_ports: 0,
      total_domains: null,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
}

function identity() {
  const time = now()
  return { guid: randomUUID(), created_at: time, updated_at: time }
}

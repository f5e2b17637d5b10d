import { randomUUID } from 'node:crypto'
import type { Settings } from '../config.ts'
import type { Db } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'
import { defaultQuotaName } from './organizations.ts'

/**
 * What must be there before the first request: the quota "default", the stack, the shared domains. Existing rows stay as
 * they are, so an operator's changes survive a restart. Several Cloud Controllers may do this at once.
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
      total_memory_in_mb: 102_400,
      per_process_memory_in_mb: null,
      total_instances: null,
      per_app_tasks: null,
      log_rate_limit_in_bytes_per_second: null,
      paid_services_allowed: 1,
      total_service_instances: null,
      total_service_keys: null,
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

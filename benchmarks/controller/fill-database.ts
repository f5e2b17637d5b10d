import { randomUUID } from 'node:crypto'
import { seedDatabase } from '../../packages/cloud-controller/src/actions/seed.ts'
import type { Settings } from '../../packages/cloud-controller/src/config.ts'
import { seal } from '../../packages/cloud-controller/src/crypto/sealed-text.ts'
import { openDatabase } from '../../packages/cloud-controller/src/db/database.ts'
import { migrate } from '../../packages/cloud-controller/src/db/migrate.ts'

/** An organization and a space with so many apps, each with its web process and a route. Answers the guid of one app. */
export async function fillDatabase(settings: Settings, appCount: number): Promise<string> {
  const { databaseUrl: url, encryptionKeys } = settings
  await migrate(url)
  const db = await openDatabase(url)
  await seedDatabase(db, settings)
  const quota = await db.selectFrom('organization_quotas').select('guid').executeTakeFirstOrThrow()
  const time = new Date().toISOString()
  const row = () => ({ guid: randomUUID(), created_at: time, updated_at: time })
  const organization = { ...row(), name: 'acme', status: 'active' as const, quota_guid: quota.guid }
  await db
    .insertInto('organizations')
    .values({ ...organization, default_isolation_segment_guid: null })
    .execute()
  const space = { ...row(), name: 'dev', organization_guid: organization.guid, status: 'active' as const }
  await db
    .insertInto('spaces')
    .values({ ...space, quota_guid: null, isolation_segment_guid: null, allow_ssh: 1 })
    .execute()
  const sealed = seal('{}', encryptionKeys)
  const apps = Array.from({ length: appCount }, (_, index) => ({
    ...row(),
    name: `app-${index}`,
    space_guid: space.guid,
    desired_state: 'STOPPED' as const,
    droplet_guid: null,
    lifecycle_type: 'buildpack' as const,
    lifecycle_buildpacks: '[]',
    lifecycle_stack: 'cflinuxfs4',
    sealed_environment_variables: sealed,
    ssh_enabled: 1 as const,
    revisions_enabled: 1 as const,
    service_binding_k8s_enabled: 0 as const,
    file_based_vcap_services_enabled: 0 as const,
  }))
  const processes = apps.map((app) => ({
    ...row(),
    guid: app.guid,
    app_guid: app.guid,
    type: 'web',
    state: 'STOPPED' as const,
    instances: 1,
    memory_in_mb: 256,
    disk_in_mb: 1024,
    log_rate_limit_in_bytes_per_second: -1,
    command: null,
    user: null,
    health_check_type: 'port' as const,
    health_check_timeout: null,
    health_check_invocation_timeout: null,
    health_check_interval: null,
    health_check_http_endpoint: null,
    readiness_health_check_type: 'process' as const,
    readiness_health_check_invocation_timeout: null,
    readiness_health_check_interval: null,
    readiness_health_check_http_endpoint: null,
    version: app.guid,
    revision_guid: null,
  }))
  const domain = await db.selectFrom('domains').select('guid').executeTakeFirstOrThrow()
  const routes = apps.map((app) => ({
    ...row(),
    host: app.name,
    path: '',
    port: null,
    domain_guid: domain.guid,
    space_guid: space.guid,
    options: null,
  }))
  const destinations = routes.map((route, index) => ({
    ...row(),
    route_guid: route.guid,
    app_guid: apps[index]?.guid ?? '',
    process_type: 'web',
    app_port: null,
    weight: null,
    protocol: null,
  }))
  for (let start = 0; start < apps.length; start += 500) {
    await db.transaction().execute(async (trx) => {
      const end = start + 500
      await trx.insertInto('apps').values(apps.slice(start, end)).execute()
      await trx.insertInto('processes').values(processes.slice(start, end)).execute()
      await trx.insertInto('routes').values(routes.slice(start, end)).execute()
      await trx.insertInto('route_destinations').values(destinations.slice(start, end)).execute()
    })
  }
  await db.destroy()
  return apps[77]?.guid ?? ''
}

import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { seal } from '../crypto/sealed-text.ts'
import { enqueueJob } from '../jobs/job-queue.ts'
import { now } from '../v3/kit/timestamps.ts'
import { givenApp, givenReadyPackage, givenStartableApp } from './factories.ts'
import type { TestController } from './test-controller.ts'
import { multipartBody, zipOf } from './uploads.ts'

export interface Upload {
  readonly file: string
  readonly headers: Record<string, string>
}

/** One of everything: what operations on each kind of resource can be tried with. */
export interface World {
  /** One guid by collection, as in its path: `apps`, `service_instances`. */
  readonly guids: Readonly<Record<string, string>>
  readonly otherApp: string
  /** In the same organization. */
  readonly otherSpace: string
  readonly otherOrganization: string
  /** The domain is shared with it. */
  readonly partner: string
  readonly otherUser: string
  readonly destination: string
  /** An empty package, which bits can be uploaded to. */
  readonly emptyPackage: string
  readonly emptyDroplet: string
  /** Like `guids`, but nothing uses them. */
  readonly spares: Readonly<Record<string, string>>
  readonly uploads: { readonly zip: Upload; readonly tgz: Upload }
}

const to = (guid: string) => ({ data: { guid } })

/** Makes it through the API where that is possible, and writes the rest into the tables. */
export async function givenWorld(t: TestContext, controller: TestController): Promise<World> {
  const { admin, db } = controller
  const make = async (path: string, body: unknown): Promise<string> => {
    const answer = await admin.post(path, body)
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body.guid
  }
  const organization = await make('/v3/organizations', { name: 'acme' })
  const partner = await make('/v3/organizations', { name: 'partner' })
  const otherOrganization = await make('/v3/organizations', { name: 'other' })
  const inOrganization = { organization: to(organization) }
  const space = await make('/v3/spaces', { name: 'dev', relationships: inOrganization })
  const otherSpace = await make('/v3/spaces', { name: 'test', relationships: inOrganization })
  const { appGuid, dropletGuid } = await givenStartableApp(controller, space)
  const domain = await make('/v3/domains', { name: 'acme.example.org', relationships: inOrganization })
  await admin.post(`/v3/domains/${domain}/relationships/shared_organizations`, { data: [{ guid: partner }] })
  const route = await make('/v3/routes', { host: 'www', relationships: { space: to(space), domain: to(domain) } })
  const destinations = await admin.post(`/v3/routes/${route}/destinations`, {
    destinations: [{ app: { guid: appGuid } }],
  })
  const user = await controller.withRole({ type: 'organization_user', organization })
  const other = await controller.withRole({ type: 'organization_user', organization })
  const role = await make('/v3/roles', {
    type: 'space_auditor',
    relationships: { user: to(user.userGuid), space: to(space) },
  })
  await admin.patch('/v3/feature_flags/route_sharing', { enabled: true })
  await admin.patch('/v3/feature_flags/user_org_creation', { enabled: false })
  const { body: process } = await admin.get(`/v3/apps/${appGuid}/processes/web`)
  const sidecar = await make(`/v3/apps/${appGuid}/sidecars`, { name: 'side', command: 'run', process_types: ['web'] })
  const packageGuid = await givenReadyPackage(controller, appGuid)
  await db.updateTable('droplets').set({ package_guid: packageGuid }).where('guid', '=', dropletGuid).execute()
  const emptyPackage = await make('/v3/packages', { type: 'bits', relationships: { app: to(appGuid) } })
  const emptyDroplet = await make('/v3/droplets', { relationships: { app: to(appGuid) } })
  const buildpack = await make('/v3/buildpacks', { name: 'my_buildpack' })
  const stack = (await admin.get('/v3/stacks')).body.resources[0].guid
  const written = await writtenRows(controller, { organization, space, appGuid, dropletGuid, packageGuid, route })
  for (const [kind, key] of [
    ['packages', packageGuid],
    ['droplets', dropletGuid],
  ] as const) {
    const file = join(controller.settings.dataDirectory, key)
    await writeFile(file, 'bits')
    await controller.services.blobstore.put(kind, key, file)
  }
  const zip = await zipOf({ 'index.html': 'hello' })
  return {
    guids: {
      ...written,
      organizations: organization,
      spaces: space,
      apps: appGuid,
      droplets: dropletGuid,
      domains: domain,
      routes: route,
      users: user.userGuid,
      roles: role,
      processes: process.guid,
      sidecars: sidecar,
      packages: packageGuid,
      buildpacks: buildpack,
      stacks: stack,
      organization_quotas: (await admin.get(`/v3/organizations/${organization}`)).body.relationships.quota.data.guid,
      feature_flags: 'diego_docker',
      environment_variable_groups: 'running',
    },
    otherApp: (await givenApp(controller, space, 'other')).guid,
    otherSpace,
    otherOrganization,
    partner,
    otherUser: other.userGuid,
    destination: destinations.body.destinations[0].guid,
    emptyPackage,
    emptyDroplet,
    spares: {
      droplets: await make('/v3/droplets', { relationships: { app: to(appGuid) } }),
      domains: await make('/v3/domains', { name: 'spare.example.org', relationships: inOrganization }),
      stacks: await make('/v3/stacks', { name: 'spare' }),
      organization_quotas: await make('/v3/organization_quotas', { name: 'spare' }),
      space_quotas: await make('/v3/space_quotas', { name: 'spare', relationships: inOrganization }),
    },
    uploads: {
      zip: await multipartBody(t, { bits: { filename: 'bits.zip', content: zip } }),
      tgz: await multipartBody(t, { bits: { filename: 'droplet.tgz', content: 'droplet' } }),
    },
  }

  /** What has no operation yet that makes it. */
  async function writtenRows(
    { settings }: TestController,
    known: Record<'organization' | 'space' | 'appGuid' | 'dropletGuid' | 'packageGuid' | 'route', string>,
  ): Promise<Record<string, string>> {
    const time = now()
    const identity = () => ({ guid: randomUUID(), created_at: time, updated_at: time })
    const sealed = seal('{}', settings.encryptionKeys)
    const segment = { ...identity(), name: 'segment' }
    await db.insertInto('isolation_segments').values(segment).execute()
    await db
      .insertInto('isolation_segment_organizations')
      .values({ isolation_segment_guid: segment.guid, organization_guid: known.organization })
      .execute()
    const group = {
      ...identity(),
      name: 'group',
      rules: '[]',
      running_default: 0 as const,
      staging_default: 0 as const,
    }
    await db.insertInto('security_groups').values(group).execute()
    for (const lifecycle of ['running', 'staging'] as const)
      await db
        .insertInto('security_group_spaces')
        .values({ security_group_guid: group.guid, space_guid: known.space, lifecycle })
        .execute()
    const spaceQuota = {
      ...identity(),
      name: 'small',
      organization_guid: known.organization,
      total_memory_in_mb: null,
      per_process_memory_in_mb: null,
      total_instances: null,
      per_app_tasks: null,
      log_rate_limit_in_bytes_per_second: null,
      paid_services_allowed: 1 as const,
      total_service_instances: null,
      total_service_keys: null,
      total_routes: null,
      total_reserved_ports: null,
    }
    await db.insertInto('space_quotas').values(spaceQuota).execute()
    await db.updateTable('spaces').set({ quota_guid: spaceQuota.guid }).where('guid', '=', known.space).execute()
    const revision = {
      ...identity(),
      app_guid: known.appGuid,
      version: 1,
      description: 'Initial revision.',
      droplet_guid: known.dropletGuid,
      sealed_environment_variables: sealed,
      processes: '{}',
      sidecars: '[]',
    }
    await db.insertInto('revisions').values(revision).execute()
    const deployment = {
      ...identity(),
      app_guid: known.appGuid,
      strategy: 'rolling' as const,
      status_value: 'FINALIZED' as const,
      status_reason: 'DEPLOYED',
      state: 'DEPLOYED',
      droplet_guid: known.dropletGuid,
      previous_droplet_guid: null,
      revision_guid: null,
      revision_version: null,
      options: '{}',
      new_processes: '[]',
      last_healthy_at: null,
      status_updated_at: time,
      error: null,
      canary_current_step: null,
      canary_total_steps: null,
    }
    await db.insertInto('deployments').values(deployment).execute()
    const build = {
      ...identity(),
      app_guid: known.appGuid,
      package_guid: known.packageGuid,
      droplet_guid: known.dropletGuid,
      state: 'STAGED' as const,
      error_id: null,
      error_description: null,
      lifecycle_type: 'buildpack' as const,
      lifecycle_buildpacks: '[]',
      lifecycle_stack: 'cflinuxfs4',
      staging_memory_in_mb: 1024,
      staging_disk_in_mb: 1024,
      staging_log_rate_limit_bytes_per_second: -1,
      created_by_user_guid: admin.userGuid,
      created_by_user_name: null,
      created_by_user_email: null,
    }
    await db.insertInto('builds').values(build).execute()
    const instance = {
      ...identity(),
      name: 'db',
      space_guid: known.space,
      type: 'user-provided' as const,
      sealed_credentials: null,
      syslog_drain_url: null,
      route_service_url: null,
      tags: '[]',
    }
    await db.insertInto('service_instances').values(instance).execute()
    const credentialBinding = {
      ...identity(),
      type: 'app' as const,
      name: null,
      app_guid: known.appGuid,
      service_instance_guid: instance.guid,
      sealed_credentials: sealed,
      syslog_drain_url: null,
    }
    await db.insertInto('service_credential_bindings').values(credentialBinding).execute()
    const routeBinding = {
      ...identity(),
      service_instance_guid: instance.guid,
      route_guid: known.route,
      route_service_url: null,
    }
    await db.insertInto('service_route_bindings').values(routeBinding).execute()
    const event = await db
      .selectFrom('audit_events')
      .select('guid')
      .where('type', '=', 'audit.app.create')
      .where('target_guid', '=', known.appGuid)
      .executeTakeFirstOrThrow()
    await admin.post(`/v3/apps/${known.appGuid}/actions/start`)
    await admin.post(`/v3/apps/${known.appGuid}/actions/stop`)
    const usageEvent = await db.selectFrom('app_usage_events').select('guid').executeTakeFirstOrThrow()
    const job = await db
      .transaction()
      .execute((trx) => enqueueJob(trx, { operation: 'app.delete', resource: { type: 'app', guid: 'gone' } }))
    return {
      isolation_segments: segment.guid,
      security_groups: group.guid,
      space_quotas: spaceQuota.guid,
      revisions: revision.guid,
      deployments: deployment.guid,
      builds: build.guid,
      service_instances: instance.guid,
      service_credential_bindings: credentialBinding.guid,
      service_route_bindings: routeBinding.guid,
      audit_events: event.guid,
      app_usage_events: usageEvent.guid,
      jobs: job,
    }
  }
}

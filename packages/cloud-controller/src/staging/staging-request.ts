import type { AdminBuildpack, StagingRequest } from '@vcap/protocol'
import type { Db, Row } from '../db/schema.ts'
import { assignments, environmentVariableGroup, openVariables } from '../dea/sealed-variables.ts'
import { appVcapApplication } from '../dea/vcap-application.ts'
import { boundServices } from '../dea/vcap-services.ts'
import type { ThreadServices } from '../http/environment.ts'
import { blobUrl, buildpackCacheKey } from './blob-urls.ts'

/** The staging task of a build (message-bus fact sheet, section 3.1). */
export async function stagingRequestOf(
  { db, settings, blobstore }: ThreadServices,
  build: Row<'builds'>,
  app: Row<'apps'>,
): Promise<StagingRequest> {
  const stack = build.lifecycle_stack
  const limits = { mem: build.staging_memory_in_mb, disk: build.staging_disk_in_mb }
  const cachePath = `buildpack_cache/${encodeURIComponent(stack ?? 'none')}/${app.guid}`
  const hasCache = await blobstore.fileOf('buildpack-caches', buildpackCacheKey(app.guid, stack))
  const services = await boundServices(db, settings, [app.guid])
  return {
    app_id: app.guid,
    app_name: app.name,
    task_id: build.guid,
    stack,
    properties: {
      services: services.get(app.guid) ?? [],
      resources: { memory: limits.mem, disk: limits.disk, fds: settings.apps.fileDescriptors },
      environment: assignments({
        ...(await environmentVariableGroup(db, settings, 'staging')),
        ...openVariables(settings, app.sealed_environment_variables),
        ...(stack !== null && { CF_STACK: stack }),
      }),
      meta: {},
      buildpacks: JSON.parse(build.lifecycle_buildpacks),
      vcap_application: await appVcapApplication(db, settings, app.guid, limits),
    },
    download_uri: blobUrl(settings, `packages/${build.package_guid}/download`),
    upload_uri: blobUrl(settings, `droplets/${build.guid}/upload`),
    buildpack_cache_download_uri: hasCache ? blobUrl(settings, `${cachePath}/download`) : null,
    buildpack_cache_upload_uri: blobUrl(settings, `${cachePath}/upload`),
    start_message: null,
    admin_buildpacks: await adminBuildpacks(db, settings, stack),
    egress_network_rules: [],
  }
}

/** Enabled ones with bits that fit the stack, in position order; the key changes with the bits, so that cells may cache by it. */
async function adminBuildpacks(
  db: Db,
  settings: ThreadServices['settings'],
  stack: string | null,
): Promise<AdminBuildpack[]> {
  const rows = await db
    .selectFrom('buildpacks')
    .select(['guid', 'name', 'sha256'])
    .where('lifecycle', '=', 'buildpack')
    .where('enabled', '=', 1)
    .where('sha256', 'is not', null)
    .where((eb) => eb.or([eb('stack', 'is', null), eb('stack', '=', stack ?? '')]))
    .orderBy('position')
    .execute()
  return rows.map(({ guid, name, sha256 }) => ({
    key: `${guid}_${sha256}`,
    name,
    url: blobUrl(settings, `buildpacks/${guid}/download`),
  }))
}

import type { Settings } from '../config.ts'
import type { Db } from '../db/schema.ts'
import { appUris } from './route-uris.ts'

/** Where an app stands: what VCAP_APPLICATION tells of it. */
export interface AppPlace {
  readonly app_guid: string
  readonly name: string
  readonly space_guid: string
  readonly space_name: string
  readonly organization_guid: string
  readonly organization_name: string
}

/** A process that runs, for its own VCAP_APPLICATION. */
export interface RunningProcess extends AppPlace {
  readonly guid: string
  readonly type: string
  readonly version: string
  readonly memory_in_mb: number
  readonly disk_in_mb: number
}

/** VCAP_APPLICATION of an instance without what only its DEA knows (cloud_controller_ng lib/vcap/vars_builder.rb). */
export function processVcapApplication(
  settings: Settings,
  process: RunningProcess,
  uris: readonly string[],
): Record<string, unknown> {
  return {
    ...common(settings, process, uris),
    limits: { fds: settings.apps.fileDescriptors, mem: process.memory_in_mb, disk: process.disk_in_mb },
    process_id: process.guid,
    process_type: process.type,
    version: process.version,
    application_version: process.version,
  }
}

/** VCAP_APPLICATION of an app that is staged or asked about; `limits` in MB where there are some. */
export async function appVcapApplication(
  db: Db,
  settings: Settings,
  appGuid: string,
  limits: { readonly mem?: number; readonly disk?: number } = {},
): Promise<Record<string, unknown>> {
  const app = await db
    .selectFrom('apps')
    .innerJoin('spaces', 'spaces.guid', 'apps.space_guid')
    .innerJoin('organizations', 'organizations.guid', 'spaces.organization_guid')
    .select([
      'apps.guid as app_guid',
      'apps.name',
      'apps.space_guid',
      'spaces.name as space_name',
      'spaces.organization_guid',
      'organizations.name as organization_name',
    ])
    .where('apps.guid', '=', appGuid)
    .executeTakeFirstOrThrow()
  return {
    ...common(settings, app, await appUris(db, appGuid)),
    limits: { fds: settings.apps.fileDescriptors, ...limits },
    users: null,
  }
}

function common(settings: Settings, app: AppPlace, uris: readonly string[]): Record<string, unknown> {
  return {
    cf_api: settings.externalUrl,
    application_id: app.app_guid,
    application_name: app.name,
    application_uris: uris,
    name: app.name,
    space_name: app.space_name,
    space_id: app.space_guid,
    organization_id: app.organization_guid,
    organization_name: app.organization_name,
    uris,
  }
}

import { randomUUID } from 'node:crypto'
import { uniquely } from '../db/constraint-violation.ts'
import { lockRow } from '../db/lock-row.ts'
import type { Row, Trx } from '../db/schema.ts'
import { openVariables, sealVariables } from '../dea/sealed-variables.ts'
import { apiError, notFound, unprocessable } from '../errors/api-error.ts'
import { mergedVariables } from '../v3/kit/environment-variables.ts'
import { type MetadataMessage, saveMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Acting, censoredRequest, recordAppEvent } from './app-events.ts'
import type { Lifecycle } from './app-lifecycle.ts'
import { createProcess } from './processes.ts'

export interface NewApp {
  readonly name: string
  readonly spaceGuid: string
  readonly lifecycle: Lifecycle
  readonly environmentVariables?: Readonly<Record<string, unknown>> | undefined
  readonly metadata?: MetadataMessage | undefined
  /** The body, for the event. */
  readonly request: object
}

/** Reads the app and keeps other transactions from changing it until this one ends. Throws 404 when it is gone. */
export async function lockApp(trx: Trx, guid: string): Promise<Row<'apps'>> {
  const app = await lockRow(trx, 'apps', guid)
  if (!app) throw notFound('App')
  return app
}

/**
 * Creates a stopped app with its web process, which has the app's guid. Throws 422/10016 when the name is taken in the space.
 * Source: cloud_controller_ng app/actions/app_create.rb.
 */
export async function createApp(trx: Trx, acting: Acting, message: NewApp): Promise<string> {
  const { settings } = acting
  const guid = randomUUID()
  const time = now()
  const app = await uniquely(
    () =>
      trx
        .insertInto('apps')
        .values({
          guid,
          created_at: time,
          updated_at: time,
          name: message.name,
          space_guid: message.spaceGuid,
          desired_state: 'STOPPED',
          droplet_guid: null,
          lifecycle_type: message.lifecycle.type,
          lifecycle_buildpacks: JSON.stringify(message.lifecycle.buildpacks),
          lifecycle_stack: message.lifecycle.stack,
          sealed_environment_variables: sealVariables(settings, message.environmentVariables ?? {}),
          ssh_enabled: settings.apps.sshEnabled ? 1 : 0,
          revisions_enabled: 1,
          service_binding_k8s_enabled: 0,
          file_based_vcap_services_enabled: 0,
        })
        .returningAll()
        .executeTakeFirstOrThrow(),
    () => nameTaken(message.name),
  )
  await saveMetadata(trx, { type: 'app', guid }, message.metadata)
  await createProcess(trx, acting, app, 'web')
  await recordAppEvent(trx, acting, 'create', app, { request: censoredRequest(message.request) })
  return guid
}

const nameTaken = (name: string): Error => apiError('UniquenessError', `App with the name '${name}' already exists.`)

export interface AppChange {
  readonly name?: string | undefined
  readonly lifecycle?: Lifecycle | undefined
  readonly metadata?: MetadataMessage | undefined
  readonly request: object
}

/** Changes name, lifecycle and metadata. Throws 422/10016 when the name is taken. Running instances stay as they are. */
export async function updateApp(trx: Trx, acting: Acting, app: Row<'apps'>, change: AppChange): Promise<void> {
  const { name, lifecycle } = change
  const updated = await uniquely(
    () =>
      trx
        .updateTable('apps')
        .set({
          updated_at: now(),
          ...(name !== undefined && { name }),
          ...(lifecycle && {
            lifecycle_buildpacks: JSON.stringify(lifecycle.buildpacks),
            lifecycle_stack: lifecycle.stack,
          }),
        })
        .where('guid', '=', app.guid)
        .returningAll()
        .executeTakeFirst(),
    () => nameTaken(name ?? app.name),
  )
  if (!updated) throw notFound('App')
  await saveMetadata(trx, { type: 'app', guid: app.guid }, change.metadata)
  await recordAppEvent(trx, acting, 'update', updated, { request: censoredRequest(change.request) })
}

/** Merges environment variables; null removes one. Takes effect when the app is restarted. */
export async function changeEnvironmentVariables(
  trx: Trx,
  acting: Acting,
  appGuid: string,
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  const app = await lockApp(trx, appGuid)
  const variables = mergedVariables(openVariables(acting.settings, app.sealed_environment_variables), changes)
  await trx
    .updateTable('apps')
    .set({ sealed_environment_variables: sealVariables(acting.settings, variables), updated_at: now() })
    .where('guid', '=', app.guid)
    .execute()
  const request = censoredRequest({ environment_variables: changes })
  await recordAppEvent(trx, acting, 'update', app, { request })
}

/** Feature names and their columns (cloud_controller_ng app/models/helpers/app_features.rb). */
export const appFeatureColumns = {
  ssh: 'ssh_enabled',
  revisions: 'revisions_enabled',
  'service-binding-k8s': 'service_binding_k8s_enabled',
  'file-based-vcap-services': 'file_based_vcap_services_enabled',
} as const satisfies Record<string, keyof Row<'apps'>>

export type AppFeatureName = keyof typeof appFeatureColumns

/** Switches features of an app. Throws 422 when both ways to hand over service bindings would be on. */
export async function changeAppFeatures(
  trx: Trx,
  appGuid: string,
  features: Readonly<Partial<Record<AppFeatureName, boolean>>>,
): Promise<void> {
  const app = await lockApp(trx, appGuid)
  const isOn = (name: AppFeatureName): boolean => features[name] ?? app[appFeatureColumns[name]] === 1
  if (isOn('file-based-vcap-services') && isOn('service-binding-k8s'))
    throw unprocessable(
      "'file-based-vcap-services' and 'service-binding-k8s' features cannot be enabled at the same time.",
    )
  await trx
    .updateTable('apps')
    .set({
      updated_at: now(),
      ssh_enabled: isOn('ssh') ? 1 : 0,
      revisions_enabled: isOn('revisions') ? 1 : 0,
      service_binding_k8s_enabled: isOn('service-binding-k8s') ? 1 : 0,
      file_based_vcap_services_enabled: isOn('file-based-vcap-services') ? 1 : 0,
    })
    .where('guid', '=', app.guid)
    .execute()
}

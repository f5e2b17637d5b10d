import type { Row, Trx } from '../../db/schema.ts'
import { apiError } from '../../errors/api-error.ts'
import type { Acting } from '../app-events.ts'
import { lifecycleForUpdate } from '../app-lifecycle.ts'
import { updateApp } from '../apps.ts'
import { createSidecar, updateSidecar } from '../sidecars.ts'
import type { AppManifest } from './app-manifest.ts'

/** Creates sidecars, and changes those whose names the app has already. */
export async function applySidecars(trx: Trx, app: Row<'apps'>, sidecars: AppManifest['sidecars']): Promise<void> {
  for (const sidecar of sidecars) {
    const known = await trx
      .selectFrom('sidecars')
      .selectAll()
      .where('app_guid', '=', app.guid)
      .where('name', '=', sidecar.name)
      .executeTakeFirst()
    if (known) await updateSidecar(trx, known, sidecar)
    else await createSidecar(trx, app.guid, sidecar)
  }
}

/** Changes buildpacks, stack and metadata; a Docker app has neither buildpacks nor stack. */
export async function applyLifecycle(
  trx: Trx,
  acting: Acting,
  app: Row<'apps'>,
  { lifecycle: wanted, metadata }: Pick<AppManifest, 'lifecycle' | 'metadata'>,
): Promise<void> {
  const message = wanted && app.lifecycle_type === 'docker' ? { ...wanted, data: {} } : wanted
  const lifecycle = message && (await lifecycleForUpdate(trx, acting.settings, app, message))
  const request = { ...(wanted && { lifecycle: wanted }), ...(metadata && { metadata }) }
  await updateApp(trx, acting, app, { lifecycle, metadata, request })
}

/**
 * Sees that the services are bound to the app. There is no way yet to make service instances, so one that is not bound is not
 * there: throws 404/10010.
 */
export async function requireServices(trx: Trx, app: Row<'apps'>, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const bound = await trx
    .selectFrom('service_credential_bindings as bindings')
    .innerJoin('service_instances as instances', 'instances.guid', 'bindings.service_instance_guid')
    .select('instances.name')
    .where('bindings.type', '=', 'app')
    .where('bindings.app_guid', '=', app.guid)
    .execute()
  const missing = names.find((name) => !bound.some((service) => service.name === name))
  if (missing !== undefined) throw apiError('ResourceNotFound', `Service instance '${missing}' not found`)
}

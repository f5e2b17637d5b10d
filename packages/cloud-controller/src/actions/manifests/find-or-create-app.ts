import type { Db, Row, Trx } from '../../db/schema.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { Acting } from '../app-events.ts'
import { lifecycleForNewApp } from '../app-lifecycle.ts'
import { createApp } from '../apps.ts'
import type { AppManifest } from './app-manifest.ts'
import { forApplication, withFaultContext } from './fault-context.ts'

export interface FoundApp {
  readonly app: Row<'apps'>
  readonly wasCreated: boolean
}

/**
 * The app that a manifest names; created in the space, stopped and with the lifecycle that the manifest asks for, when it is
 * not there. Throws 422 when the manifest has buildpacks for a Docker app or an image for another.
 * Source: cloud_controller_ng app/actions/app_find_or_create_skeleton.rb, app/controllers/v3/space_manifests_controller.rb.
 */
export async function findOrCreateApp(
  trx: Trx,
  acting: Acting,
  space: Row<'spaces'>,
  manifest: AppManifest,
): Promise<FoundApp> {
  return withFaultContext(forApplication(manifest.name), async () => {
    const known = await findApp(trx, space, manifest.name)
    const app = known ?? (await createAppOf(trx, acting, space, manifest))
    if (app.lifecycle_type === 'docker' && manifest.buildpackKey !== undefined)
      throw unprocessable(`${manifest.buildpackKey} cannot be configured for a docker lifecycle app.`)
    if (app.lifecycle_type === 'buildpack' && manifest.namesDocker)
      throw unprocessable('Docker cannot be configured for a buildpack lifecycle app.')
    return { app, wasCreated: known === undefined }
  })
}

/** The app of this name in the space. */
export async function findApp(db: Db, space: Row<'spaces'>, name: string): Promise<Row<'apps'> | undefined> {
  return db
    .selectFrom('apps')
    .selectAll()
    .where('space_guid', '=', space.guid)
    .where('name', '=', name)
    .executeTakeFirst()
}

async function createAppOf(
  trx: Trx,
  acting: Acting,
  space: Row<'spaces'>,
  { name, lifecycle, metadata }: AppManifest,
): Promise<Row<'apps'>> {
  const guid = await createApp(trx, acting, {
    name,
    spaceGuid: space.guid,
    lifecycle: await lifecycleForNewApp(trx, acting.settings, lifecycle),
    metadata,
    request: { name, relationships: { space: { data: { guid: space.guid } } }, lifecycle, metadata },
  })
  return trx.selectFrom('apps').selectAll().where('guid', '=', guid).executeTakeFirstOrThrow()
}

import { z } from 'zod'
import type { Acting } from '../actions/app-events.ts'
import { changeAppFeatures, changeEnvironmentVariables, lockApp } from '../actions/apps.ts'
import type { Actor } from '../actions/audit-events.ts'
import type { AppManifest } from '../actions/manifests/app-manifest.ts'
import { applyLifecycle, applySidecars, requireServices } from '../actions/manifests/apply-app-settings.ts'
import { applyProcessChanges, applyProcessScales } from '../actions/manifests/apply-processes.ts'
import { applyRoutes } from '../actions/manifests/apply-routes.ts'
import { forApplication, withFaultContext } from '../actions/manifests/fault-context.ts'
import type { Settings } from '../config.ts'
import { seal, unseal } from '../crypto/sealed-text.ts'
import type { Row, Trx } from '../db/schema.ts'
import { resizeInstances, updateRoutesOfApps } from '../dea/run-app.ts'
import { apiError } from '../errors/api-error.ts'
import type { ThreadServices } from '../http/environment.ts'
import { emitAppLog } from '../logs/app-log.ts'
import { readAppManifest } from '../v3/manifests/app-manifest.ts'
import type { JobHandler } from './handlers.ts'

const Payload = z.object({
  actor: z.object({ guid: z.string(), type: z.string(), name: z.string() }),
  sealedApplications: z.string(),
})
const Applications = z.array(z.object({ guid: z.string(), manifest: z.record(z.string(), z.unknown()) }))

/** What the job needs to know. Manifests hold secrets, so the row keeps them sealed. */
export function manifestPayload(
  settings: Settings,
  actor: Actor,
  applications: z.input<typeof Applications>,
): z.input<typeof Payload> {
  return { actor, sealedApplications: seal(JSON.stringify(applications), settings.encryptionKeys) }
}

/**
 * `space.apply_manifest`: brings the apps, which exist, to what a validated manifest says, one after the other. The first fault
 * ends it; what was done before stays done, and doing it again changes nothing more.
 * Source: cloud_controller_ng app/jobs/space_apply_manifest_action_job.rb, app/actions/app_apply_manifest.rb.
 */
export const applyManifest: JobHandler = async (services, { payload }) => {
  const { settings } = services
  const { actor, sealedApplications } = Payload.parse(payload)
  const acting = { actor, settings, manifestTriggered: true }
  for (const { guid, manifest } of Applications.parse(JSON.parse(unseal(sealedApplications, settings.encryptionKeys))))
    await applyToApp(services, acting, guid, readAppManifest(manifest, { allowsHashRouting: true }).manifest)
  return undefined
}

async function applyToApp(
  services: ThreadServices,
  acting: Acting,
  guid: string,
  manifest: AppManifest,
): Promise<void> {
  const { db } = services
  const app = await db.selectFrom('apps').select('name').where('guid', '=', guid).executeTakeFirst()
  if (!app) throw apiError('ResourceNotFound', `App with guid '${guid}' not found`)
  await withFaultContext(forApplication(app.name), async () => {
    for (const step of stepsFor(manifest)) {
      const after = await db.transaction().execute(async (trx) => step(trx, acting, await lockApp(trx, guid)))
      await after?.(services)
    }
  })
}

/** Changes rows; returns what has to be told to others after the commit. */
type Step = (trx: Trx, acting: Acting, app: Row<'apps'>) => Promise<AfterCommit | undefined>
type AfterCommit = (services: ThreadServices) => Promise<void>

/** In CC's order, without those that the manifest says nothing about. */
function stepsFor(manifest: AppManifest): Step[] {
  const { features, processChanges, processScales, sidecars, lifecycle, metadata, routes, services } = manifest
  const variables = manifest.environmentVariables
  const changesRoutes = routes.noRoute || routes.routes || routes.randomRoute || routes.defaultRoute
  return [
    ...(Object.keys(features).length > 0 ? [switchFeatures(features)] : []),
    ...(processChanges.length > 0 ? [changeProcesses(processChanges)] : []),
    ...(processScales.length > 0 ? [scaleProcesses(processScales)] : []),
    ...(sidecars.length > 0 ? [withoutNews((trx, _, app) => applySidecars(trx, app, sidecars))] : []),
    ...(lifecycle || metadata ? [withoutNews((trx, acting, app) => applyLifecycle(trx, acting, app, manifest))] : []),
    ...(changesRoutes ? [changeRoutes(routes)] : []),
    ...(variables
      ? [withoutNews((trx, acting, app) => changeEnvironmentVariables(trx, acting, app.guid, variables))]
      : []),
    ...(services.length > 0 ? [withoutNews((trx, _, app) => requireServices(trx, app, services))] : []),
  ]
}

const withoutNews =
  (change: (trx: Trx, acting: Acting, app: Row<'apps'>) => Promise<void>): Step =>
  async (trx, acting, app) => {
    await change(trx, acting, app)
    return undefined
  }

const switchFeatures = (features: AppManifest['features']): Step =>
  withoutNews((trx, _, app) => changeAppFeatures(trx, app.guid, features))

function changeProcesses(changes: AppManifest['processChanges']): Step {
  return async (trx, acting, app) => {
    const created = await applyProcessChanges(trx, acting, app, changes)
    return async ({ bus }) => {
      for (const { type } of changes)
        emitAppLog(bus, app.guid, `${created.includes(type) ? 'Added' : 'Updating'} process: "${type}"`)
    }
  }
}

function scaleProcesses(scales: AppManifest['processScales']): Step {
  return async (trx, acting, app) => {
    const scaled = await applyProcessScales(trx, acting, app, scales)
    return async (services) => {
      for (const { process, previousInstances } of scaled) {
        emitAppLog(services.bus, app.guid, `Scaling process: "${process.type}"`)
        if (process.state === 'STARTED') await resizeInstances(services, process, previousInstances)
      }
    }
  }
}

function changeRoutes(routes: AppManifest['routes']): Step {
  return async (trx, acting, app) => {
    const changed = await applyRoutes(trx, acting, app, routes)
    return (services) => updateRoutesOfApps(services, changed)
  }
}

import { appFeatureColumns } from '../../actions/apps.ts'
import { destinationProtocol } from '../../actions/route-destinations.ts'
import { optionsOf } from '../../actions/route-options.ts'
import { routesWithDomain, routeUrl } from '../../actions/routes.ts'
import type { Settings } from '../../config.ts'
import type { Db, Row } from '../../db/schema.ts'
import { openVariables } from '../../dea/sealed-variables.ts'
import { loadMetadata } from '../kit/metadata.ts'
import { rateText } from './byte-quantity.ts'

/**
 * The manifest that would make the app as it is, as one of `applications`; what is null or empty is left out.
 * Source: cloud_controller_ng app/presenters/v3/app_manifest_presenter.rb.
 */
export async function generatedManifest(
  db: Db,
  settings: Settings,
  app: Row<'apps'>,
): Promise<Record<string, unknown>> {
  const buildpacks: string[] = JSON.parse(app.lifecycle_buildpacks)
  return without(isMissing, {
    name: app.name,
    env: unlessEmpty(openVariables(settings, app.sealed_environment_variables)),
    lifecycle: app.lifecycle_type,
    ...(app.lifecycle_type === 'docker'
      ? { docker: await dockerImage(db, app) }
      : { buildpacks: unlessEmpty(buildpacks), stack: app.lifecycle_stack }),
    features: Object.fromEntries(Object.entries(appFeatureColumns).map(([name, column]) => [name, app[column] === 1])),
    services: unlessEmpty(await serviceNames(db, app)),
    routes: unlessEmpty(await routesOf(db, app)),
    metadata: unlessEmpty(await metadataOf(db, app)),
    processes: unlessEmpty(await processesOf(db, app)),
    sidecars: unlessEmpty(await sidecarsOf(db, app)),
  })
}

const isMissing = (value: unknown): boolean => value === null || value === undefined

function without(refused: (value: unknown) => boolean, fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !refused(value)))
}

const unlessEmpty = <T extends object>(value: T): T | null => (Object.keys(value).length === 0 ? null : value)

/** The image of the package that runs. */
async function dockerImage(db: Db, app: Row<'apps'>): Promise<Record<string, unknown> | null> {
  const docker = await db
    .selectFrom('droplets')
    .innerJoin('packages', 'packages.guid', 'droplets.package_guid')
    .select(['packages.docker_image', 'packages.docker_username'])
    .where('droplets.guid', '=', app.droplet_guid)
    .executeTakeFirst()
  return docker ? without(isMissing, { image: docker.docker_image, username: docker.docker_username }) : null
}

async function serviceNames(db: Db, app: Row<'apps'>): Promise<string[]> {
  const services = await db
    .selectFrom('service_credential_bindings as bindings')
    .innerJoin('service_instances as instances', 'instances.guid', 'bindings.service_instance_guid')
    .select('instances.name')
    .where('bindings.type', '=', 'app')
    .where('bindings.app_guid', '=', app.guid)
    .execute()
  return services.map(({ name }) => name).sort(byText)
}

async function routesOf(db: Db, app: Row<'apps'>): Promise<Array<Record<string, unknown>>> {
  const rows = await routesWithDomain(db)
    .innerJoin('route_destinations', 'route_destinations.route_guid', 'routes.guid')
    .select('route_destinations.protocol')
    .where('route_destinations.app_guid', '=', app.guid)
    .orderBy('route_destinations.id')
    .execute()
  const routes = rows.map((route) => {
    const options = optionsOf(route)
    return { route: routeUrl(route), protocol: destinationProtocol(route, route), ...(options && { options }) }
  })
  // A route may lead to several processes of the app.
  const byUrl = new Map(routes.toReversed().map((route) => [route.route, route]))
  return [...byUrl.values()].sort((a, b) => byText(a.route, b.route))
}

async function metadataOf(db: Db, app: Row<'apps'>): Promise<Record<string, unknown>> {
  const metadata = (await loadMetadata(db, 'app', [app.guid])).get(app.guid)
  return without(isMissing, {
    labels: unlessEmpty(metadata?.labels ?? {}),
    annotations: unlessEmpty(metadata?.annotations ?? {}),
  })
}

async function processesOf(db: Db, app: Row<'apps'>): Promise<Array<Record<string, unknown>>> {
  const processes = await db
    .selectFrom('processes')
    .selectAll()
    .where('app_guid', '=', app.guid)
    .orderBy('type')
    .orderBy('id')
    .execute()
  return processes.map((process) =>
    without(isMissing, {
      type: process.type,
      instances: process.instances,
      memory: `${process.memory_in_mb}M`,
      disk_quota: `${process.disk_in_mb}M`,
      'log-rate-limit-per-second': presentedRate(process.log_rate_limit_in_bytes_per_second),
      command: process.command,
      user: process.user,
      'health-check-type': process.health_check_type,
      'health-check-http-endpoint': process.health_check_http_endpoint,
      'health-check-invocation-timeout': process.health_check_invocation_timeout,
      'health-check-interval': process.health_check_interval,
      'readiness-health-check-type': process.readiness_health_check_type,
      'readiness-health-check-http-endpoint': process.readiness_health_check_http_endpoint,
      'readiness-health-check-invocation-timeout': process.readiness_health_check_invocation_timeout,
      'readiness-health-check-interval': process.readiness_health_check_interval,
      timeout: process.health_check_timeout,
    }),
  )
}

/** What needs no unit is a number. */
const presentedRate = (bytes: number): string | number => (bytes <= 0 ? bytes : rateText(bytes))

async function sidecarsOf(db: Db, app: Row<'apps'>): Promise<Array<Record<string, unknown>>> {
  const sidecars = await db.selectFrom('sidecars').selectAll().where('app_guid', '=', app.guid).execute()
  return sidecars
    .sort((a, b) => byText(a.name, b.name))
    .map(({ name, command, process_types, memory_in_mb }) => ({
      name,
      process_types: (JSON.parse(process_types) as string[]).sort(),
      command,
      ...(memory_in_mb !== null && { memory: `${memory_in_mb}M` }),
    }))
}

function byText(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()]
  return left < right ? -1 : Number(left > right)
}

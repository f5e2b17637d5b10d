import type { AppManifest } from '../../actions/manifests/app-manifest.ts'
import { metadataField } from '../kit/metadata.ts'
import { printed } from '../kit/words.ts'
import { readEnvironmentVariables, readFeatures, readServices } from './app-attributes.ts'
import { buildpackFaults, readLifecycle } from './lifecycle.ts'
import { isGiven } from './process-attributes.ts'
import { readProcesses } from './processes.ts'
import { readRoutes } from './routes-of-app.ts'
import { readSidecars } from './sidecars.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

/** What of the platform decides whether a manifest is fine. */
export interface ManifestRules {
  /** Feature flag hash_based_routing. */
  readonly allowsHashRouting: boolean
  /** Why there can be no Docker apps or no CNB apps, where that is so. */
  readonly dockerFault?: string | undefined
  readonly cnbFault?: string | undefined
}

export interface ReadAppManifest {
  /** In CC's words and order, without the app's name before them. */
  readonly faults: readonly string[]
  /** Only to be used when there are no faults. */
  readonly manifest: AppManifest
}

/** Reads one app of a manifest. Source: cloud_controller_ng app/messages/app_manifest_message.rb. */
export function readAppManifest(raw: YamlMapping, rules: ManifestRules): ReadAppManifest {
  const app = withUnderscores(raw)
  const processes = readProcesses(app)
  const sidecars = readSidecars(app)
  const lifecycle = readLifecycle(app)
  const metadata = readMetadata(app)
  const services = readServices(app)
  const variables = readEnvironmentVariables(app)
  const routes = readRoutes(app, { allowsHash: rules.allowsHashRouting })
  const features = readFeatures(app)
  const faults = [
    ...nameFaults(app),
    ...processes.listFaults,
    ...sidecars.faults,
    ...processes.attributeFaults,
    ...lifecycle.faults,
    ...metadata.faults,
    ...combinationFaults(app, rules),
    ...services.faults,
    ...variables.faults,
    ...buildpackFaults(app),
    ...routes.faults,
    ...features.faults,
  ]
  const buildpackKey = isGiven(app.buildpacks) ? 'Buildpacks' : isGiven(app.buildpack) ? 'Buildpack' : undefined
  return {
    faults,
    manifest: {
      name: printed(app.name ?? '').trim(),
      features: features.features,
      processChanges: processes.processChanges,
      processScales: processes.processScales,
      sidecars: sidecars.sidecars,
      lifecycle: lifecycle.lifecycle,
      metadata: metadata.metadata,
      routes: routes.routes,
      environmentVariables: variables.environmentVariables,
      services: services.services,
      buildpackKey,
      namesDocker: isGiven(app.docker),
    },
  }
}

/** Keys of apps and processes are read with hyphens and with underscores. */
function withUnderscores(raw: YamlMapping): YamlMapping {
  const app = underscored(raw)
  if (!Array.isArray(app.processes)) return app
  return { ...app, processes: app.processes.map((process) => (isMapping(process) ? underscored(process) : process)) }
}

const underscored = (mapping: YamlMapping): YamlMapping =>
  Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key.replaceAll('-', '_'), value]))

const maximumNameLength = 255

function nameFaults({ name }: YamlMapping): string[] {
  const isBlank = !isGiven(name) || printed(name).trim() === ''
  return [
    ...(isBlank ? ['Name must not be empty'] : []),
    ...(typeof name === 'string' ? textFaults(name) : ['Name must be a string']),
  ]
}

function textFaults(name: string): string[] {
  if ([...name].length > maximumNameLength) return [`Name is too long (maximum is ${maximumNameLength} characters)`]
  return /\p{Cc}/u.test(name) ? ['Name must not contain escaped characters'] : []
}

function readMetadata({ metadata: value }: YamlMapping): {
  faults: string[]
  metadata?: AppManifest['metadata']
} {
  if (!isGiven(value)) return { faults: [] }
  const { success, data: metadata, error } = metadataField.safeParse(value)
  return success ? { faults: [], metadata } : { faults: error.issues.map(({ message }) => message) }
}

function combinationFaults(app: YamlMapping, { dockerFault, cnbFault }: ManifestRules): string[] {
  const namesDocker = 'docker' in app
  return [
    ...('buildpack' in app && 'buildpacks' in app ? ['Buildpack and Buildpacks fields cannot be used together.'] : []),
    ...(namesDocker && dockerFault ? [dockerFault] : []),
    ...(app.lifecycle === 'cnb' && cnbFault ? [cnbFault] : []),
    ...(namesDocker && ('buildpack' in app || 'buildpacks' in app)
      ? ['Cannot specify both buildpack(s) and docker keys']
      : []),
  ]
}

import { type AppFeatureName, appFeatureColumns } from '../../actions/apps.ts'
import type { AppManifest } from '../../actions/manifests/app-manifest.ts'
import { variableNameFault } from '../kit/environment-variables.ts'
import { printed } from '../kit/words.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

interface Read {
  readonly faults: readonly string[]
}

/** Environment variables; values become text, null empty text. */
export function readEnvironmentVariables(app: YamlMapping): Read & Pick<AppManifest, 'environmentVariables'> {
  if (!('env' in app)) return { faults: [] }
  if (!isMapping(app.env)) return { faults: ['Env must be an object of keys and values'] }
  return {
    faults: Object.keys(app.env).flatMap((name) => {
      const fault = variableNameFault(name)
      return fault === undefined ? [] : [`Env ${fault}`]
    }),
    environmentVariables: Object.fromEntries(
      Object.entries(app.env).map(([name, value]) => [name, environmentText(value)]),
    ),
  }
}

/** A variable's value as an app sees it. */
export function environmentText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return printed(value)
}

/** Features to switch. Source: cloud_controller_ng app/messages/manifest_features_update_message.rb. */
export function readFeatures(app: YamlMapping): Read & Pick<AppManifest, 'features'> {
  if (!('features' in app)) return { faults: [], features: {} }
  const { features } = app
  const isValid =
    isMapping(features) &&
    Object.keys(features).length > 0 &&
    Object.entries(features).every(
      ([name, value]) => Object.hasOwn(appFeatureColumns, name) && typeof value === 'boolean',
    )
  if (isValid) return { faults: [], features: features as Partial<Record<AppFeatureName, boolean>> }
  const fault = 'Features must be a map of valid feature names to booleans (true = enabled, false = disabled)'
  return { faults: [fault], features: {} }
}

const serviceKeys = ['name', 'parameters', 'binding_name']

/** Names of service instances. Source: cloud_controller_ng app/messages/manifest_service_binding_create_message.rb. */
export function readServices(app: YamlMapping): Read & Pick<AppManifest, 'services'> {
  if (!('services' in app)) return { faults: [], services: [] }
  const { services } = app
  if (!Array.isArray(services) || !services.every(isService))
    return { faults: ['Services must be a list of service instances'], services: [] }
  return { faults: [], services: services.map((service) => printed(isMapping(service) ? service.name : service)) }
}

function isService(service: unknown): boolean {
  if (typeof service === 'string') return true
  if (!isMapping(service) || !('name' in service)) return false
  if (Object.keys(service).some((key) => !serviceKeys.includes(key))) return false
  if ('parameters' in service && !isMapping(service.parameters)) return false
  return !('binding_name' in service) || typeof service.binding_name === 'string'
}

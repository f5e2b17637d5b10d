import { environmentText } from './app-attributes.ts'
import { bytesPerSecondOf, megabytesOf, rateText } from './byte-quantity.ts'
import { type Difference, differences } from './differences.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

/** Keys of an app that a diff tells of. Of the sizes of web outside `processes` it never did. */
const comparedKeys = [
  'name',
  'lifecycle',
  'buildpack',
  'buildpacks',
  'stack',
  'docker',
  'cnb-credentials',
  'env',
  'features',
  'metadata',
  'processes',
  'sidecars',
  'services',
  'routes',
  'no-route',
  'random-route',
  'default-route',
  'command',
  'instances',
  'log-rate-limit-per-second',
  'timeout',
  'health-check-type',
  'health-check-http-endpoint',
  'health-check-invocation-timeout',
  'health-check-interval',
  'health-check-timeout',
  'readiness-health-check-type',
  'readiness-health-check-http-endpoint',
  'readiness-health-check-invocation-timeout',
  'readiness-health-check-interval',
]

const processKeys = [
  'type',
  'command',
  'user',
  'disk_quota',
  'log-rate-limit-per-second',
  'health-check-http-endpoint',
  'health-check-invocation-timeout',
  'health-check-interval',
  'health-check-type',
  'readiness-health-check-http-endpoint',
  'readiness-health-check-invocation-timeout',
  'readiness-health-check-interval',
  'readiness-health-check-type',
  'instances',
  'memory',
  'timeout',
]
const sidecarKeys = ['name', 'command', 'process_types', 'memory']
const serviceKeys = ['name', 'parameters']

/** By what an element of the list is known. */
const identifiers: Readonly<Record<string, string>> = { processes: 'type', routes: 'route', sidecars: 'name' }

/**
 * What applying the manifest of an app would change, `index` being its place in the manifest. `existing` is what the app's
 * generated manifest says, undefined for an app that is not there yet. Of lists only the elements that the manifest has too
 * are compared, and of these only the keys that it gives. Source: cloud_controller_ng app/actions/space_diff_manifest.rb.
 */
export function manifestDiff(wanted: YamlMapping, existing: YamlMapping | undefined, index: number): Difference[] {
  const before = withWebProcess(existing ?? {})
  return Object.entries(comparable(wanted)).flatMap(([key, value]) => {
    if (!comparedKeys.includes(key)) return []
    const path = `/applications/${index}/${key}`
    if (key === 'env') return variableDifferences(before.env, value, path)
    return differences(narrowed(key, before[key], value), value, path)
  })
}

/** Keys of web may stand outside `processes`. */
function withWebProcess(existing: YamlMapping): YamlMapping {
  if (!Array.isArray(existing.processes)) return existing
  const processes: unknown[] = existing.processes.map(normalized)
  const web = processes.find((process) => isMapping(process) && process.type === 'web')
  return { ...existing, ...(isMapping(web) ? web : {}), processes }
}

/** What of the elements of a list counts, in the units of the generated manifest. */
const elementViews: Readonly<Record<string, (element: unknown) => unknown>> = {
  processes: (process) => normalized(only(processKeys, process)),
  sidecars: (sidecar) => normalized(only(sidecarKeys, sidecar)),
  services: (service) => only(serviceKeys, service),
}

function comparable(app: YamlMapping): YamlMapping {
  return Object.fromEntries(
    Object.entries(app).map(([key, value]) => {
      if (key === 'log-rate-limit-per-second') return [key, inLargestUnit(value)]
      const view = elementViews[key]
      return [key, view && Array.isArray(value) ? value.map(view) : value]
    }),
  )
}

const only = (keys: readonly string[], value: unknown): unknown =>
  isMapping(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key))) : value

/** Amounts in the units of the generated manifest. */
function normalized(value: unknown): unknown {
  if (!isMapping(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (key === 'memory' || key === 'disk_quota') return [key, inMegabytes(entry)]
      return [key, key === 'log-rate-limit-per-second' ? inLargestUnit(entry) : entry]
    }),
  )
}

function inMegabytes(value: unknown): unknown {
  const megabytes = megabytesOf(value)
  return megabytes === undefined ? value : `${megabytes}M`
}

function inLargestUnit(value: unknown): unknown {
  const bytes = bytesPerSecondOf(value)
  return bytes === undefined ? value : rateText(bytes)
}

/** What there is of the key, as far as the manifest speaks of it. */
function narrowed(key: string, existing: unknown, wanted: unknown): unknown {
  const identifier = identifiers[key]
  if (identifier !== undefined && Array.isArray(existing) && Array.isArray(wanted)) {
    return existing.flatMap((element) => {
      const match: unknown = wanted.find((other) => isMapping(other) && other[identifier] === element[identifier])
      return isMapping(match) ? [only(givenKeys(match), element)] : []
    })
  }
  return key === 'features' && isMapping(wanted) && isMapping(existing) ? only(Object.keys(wanted), existing) : existing
}

const givenKeys = (element: YamlMapping): string[] =>
  Object.keys(element).filter((key) => element[key] !== null && element[key] !== undefined)

/** Variables are text for the app, whatever the manifest writes. */
function variableDifferences(existing: unknown, wanted: unknown, path: string): Difference[] {
  if (!isMapping(existing) || !isMapping(wanted)) return differences(existing, wanted, path)
  const unchanged = Object.keys(wanted).filter((name) => environmentText(wanted[name]) === existing[name])
  const rest = (variables: YamlMapping) =>
    Object.fromEntries(Object.entries(variables).filter(([name]) => !unchanged.includes(name)))
  return differences(rest(existing), rest(wanted), path)
}

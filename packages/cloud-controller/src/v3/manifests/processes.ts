import type { AppManifest } from '../../actions/manifests/app-manifest.ts'
import { webProcessType } from '../../actions/processes.ts'
import { printed } from '../kit/words.ts'
import { quantityFault, rateFault } from './byte-quantity.ts'
import { isGiven, readChange, readScale } from './process-attributes.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

export interface ReadProcesses extends Pick<AppManifest, 'processChanges' | 'processScales'> {
  readonly listFaults: readonly string[]
  readonly attributeFaults: readonly string[]
}

const scaleFields = ['memory', 'disk_quota', 'log_rate_limit_per_second', 'instances']
const changeFields = [
  'command',
  'health_check_http_endpoint',
  'timeout',
  'health_check_invocation_timeout',
  'health_check_interval',
  'readiness_health_check_invocation_timeout',
  'readiness_health_check_interval',
  'readiness_health_check_http_endpoint',
  'health_check_type',
  'readiness_health_check_type',
]

/**
 * Processes of an app's manifest: those of `processes`, and web by the keys of the app itself unless `processes` has one of
 * that type. Source: cloud_controller_ng app/messages/app_manifest_message.rb.
 */
export function readProcesses(app: YamlMapping): ReadProcesses {
  const listed = listedProcesses(app)
  const own = withType(webProcessType, app)
  const others = listed.processes.filter(({ type }) => type !== webProcessType)
  const web = listed.processes.filter(({ type }) => type === webProcessType).slice(0, 1)
  const isAbout = (fields: readonly string[]): boolean => fields.some((field) => field in app)
  const asWeb = (fields: readonly string[]) => (isAbout(fields) ? [{ ...own, attributes: only(app, fields) }] : [])
  const scales = [...(web.length > 0 ? web : asWeb(scaleFields)), ...others].map(({ type, attributes }) =>
    readScale(type, attributes),
  )
  const changes = [...(web.length > 0 ? web : asWeb(changeFields)), ...others].map(({ type, attributes }) =>
    readChange(type, attributes),
  )
  return {
    listFaults: [...amountFaults(own), ...listed.faults],
    attributeFaults: [
      ...scales.flatMap(({ faults, entry }) => faults.map((fault) => processFault(entry.type, fault))),
      ...changes.flatMap(({ faults, entry }) => faults.map((fault) => processFault(entry.type, fault))),
    ],
    processScales: scales.map(({ entry }) => entry).filter(({ scale }) => Object.keys(scale).length > 0),
    processChanges: changes
      .map(({ entry }) => entry)
      .filter(({ type, change }) => type !== webProcessType || Object.keys(change).length > 0),
  }
}

interface ListedProcess {
  readonly type: string
  readonly attributes: YamlMapping
}

const withType = (type: string, attributes: YamlMapping): ListedProcess => ({ type, attributes })

const only = (app: YamlMapping, fields: readonly string[]): YamlMapping =>
  Object.fromEntries(Object.entries(app).filter(([key]) => fields.includes(key)))

function listedProcesses(app: YamlMapping): { faults: string[]; processes: ListedProcess[] } {
  if (!('processes' in app)) return { faults: [], processes: [] }
  const { processes: list } = app
  if (!Array.isArray(list) || !list.every(isMapping))
    return { faults: ['Processes must be an array of process configurations'], processes: [] }
  const processes = list.map((attributes) =>
    withType(isGiven(attributes.type) ? printed(attributes.type) : '', attributes),
  )
  const types = processes.map(({ type }) => type)
  const twice = new Set(types.filter((type, index) => types.indexOf(type) < index))
  return {
    faults: [
      ...(types.some((type) => type.trim() === '') ? ['All Processes must specify a type'] : []),
      ...[...twice].map((type) => `Process "${type}" may only be present once`),
      ...processes.flatMap(amountFaults),
    ],
    processes,
  }
}

function amountFaults({ type, attributes }: ListedProcess): string[] {
  const faults = [
    ['Memory', quantityFault(attributes.memory)],
    ['Disk quota', quantityFault(attributes.disk_quota)],
    ['Log rate limit per second', rateFault(attributes.log_rate_limit_per_second)],
  ]
  return faults.flatMap(([words, fault]) => (fault === undefined ? [] : [processFault(type, `${words} ${fault}`)]))
}

const processFault = (type: string, fault: string): string => `Process "${type}": ${fault}`

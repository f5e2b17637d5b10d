import type { AppManifest } from '../../actions/manifests/app-manifest.ts'
import { isUriPath } from '../../actions/process-rules.ts'
import type { HealthCheckChange, ProcessChange, ProcessScale } from '../../actions/processes.ts'
import { humanized, printed } from '../kit/words.ts'
import { bytesPerSecondOf, megabytesOf } from './byte-quantity.ts'
import type { YamlMapping } from './yaml-document.ts'

type ScaleEntry = AppManifest['processScales'][number]
type ChangeEntry = AppManifest['processChanges'][number]
type HealthCheckType = NonNullable<HealthCheckChange['type']>

/** What a manifest says of one process, with the faults in CC's words, not yet with the process's type before them. */
export interface ReadAttributes<E> {
  readonly faults: readonly string[]
  readonly entry: E
}

const maximumInstances = 2_000_000
const maximumInteger = 2_147_483_647
const maximumCommandLength = 4096
const maximumUserLength = 255
const checkTypes: readonly unknown[] = ['port', 'process', 'http'] satisfies HealthCheckType[]
/** Commands that stand for the droplet's own. */
const detectedCommands: readonly unknown[] = [null, false, 'null', 'default']

/** Number of instances and limits. Source: cloud_controller_ng app/messages/manifest_process_scale_message.rb. */
export function readScale(type: string, attributes: YamlMapping): ReadAttributes<ScaleEntry> {
  const { instances } = attributes
  const memory = megabytesOf(attributes.memory)
  const disk = megabytesOf(attributes.disk_quota)
  const logRate = bytesPerSecondOf(attributes.log_rate_limit_per_second)
  const scale: ProcessScale = {
    ...(isGiven(instances) && { instances: Number(instances) }),
    ...(memory !== undefined && { memory_in_mb: memory }),
    ...(disk !== undefined && { disk_in_mb: disk }),
    ...(logRate !== undefined && { log_rate_limit_in_bytes_per_second: logRate }),
  }
  const faults = [
    ...(isGiven(instances) ? integerFaults('Instances', instances, { minimum: 0, maximum: maximumInstances }) : []),
    ...megabyteFaults('Memory', memory),
    ...megabyteFaults('Disk quota', disk),
    ...(logRate !== undefined && (logRate < -1 || !Number.isSafeInteger(logRate))
      ? ['Log rate limit must be an integer greater than or equal to -1']
      : []),
  ]
  return { faults, entry: { type, scale } }
}

function megabyteFaults(words: string, megabytes: number | undefined): string[] {
  if (megabytes === undefined) return []
  if (megabytes <= 0) return [`${words} must be greater than 0MB`]
  return megabytes > maximumInteger ? [`${words} must be less than or equal to ${maximumInteger}MB`] : []
}

const numberFields = [
  'health_check_invocation_timeout',
  'health_check_interval',
  'readiness_health_check_invocation_timeout',
  'readiness_health_check_interval',
  'timeout',
] as const

/** Command, user, health checks. Source: cloud_controller_ng app/messages/manifest_process_update_message.rb. */
export function readChange(type: string, attributes: YamlMapping): ReadAttributes<ChangeEntry> {
  const faults = [
    ...('health_check_timeout' in attributes ? ["Unknown field(s): 'health_check_timeout'"] : []),
    ...endpointOwnerFaults('health_check', attributes),
    ...endpointOwnerFaults('readiness_health_check', attributes),
    ...('command' in attributes && !detectedCommands.includes(attributes.command)
      ? textFaults('Command', attributes.command, maximumCommandLength)
      : []),
    ...(isGiven(attributes.user) ? textFaults('User', attributes.user, maximumUserLength) : []),
    ...checkFaults('health_check', attributes),
    ...checkFaults('readiness_health_check', attributes),
    ...numberFields.flatMap((field) =>
      isGiven(attributes[field]) ? integerFaults(humanized(field), attributes[field], { minimum: 1 }) : [],
    ),
  ]
  return { faults, entry: { type, change: processChange(attributes) } }
}

/** An endpoint beside a check that is no HTTP check. */
function endpointOwnerFaults(check: string, attributes: YamlMapping): string[] {
  if (!(`${check}_type` in attributes && `${check}_http_endpoint` in attributes)) return []
  if (attributes[`${check}_type`] === 'http') return []
  return [`${humanized(check)} type must be "http" to set a health check HTTP endpoint`]
}

function checkFaults(check: string, attributes: YamlMapping): string[] {
  const endpoint = attributes[`${check}_http_endpoint`]
  const isPath = typeof endpoint === 'string' && isUriPath(endpoint)
  return [
    ...(`${check}_type` in attributes && !checkTypes.includes(checkType(attributes[`${check}_type`]))
      ? [`${humanized(check)} type must be "port", "process", or "http"`]
      : []),
    ...(isGiven(endpoint) && !isPath ? [`${humanized(check)} http endpoint must be a valid URI path`] : []),
  ]
}

/** `none` is the old name of `process`. */
const checkType = (value: unknown): unknown => (value === 'none' ? 'process' : value)

function processChange(attributes: YamlMapping): ProcessChange {
  const { command, user } = attributes
  return {
    ...('command' in attributes && { command: detectedCommands.includes(command) ? null : printed(command) }),
    ...('user' in attributes && { user: isGiven(user) ? printed(user) : null }),
    ...healthCheck('health_check', attributes, 'timeout'),
    ...healthCheck('readiness_health_check', attributes),
  }
}

function healthCheck(
  check: 'health_check' | 'readiness_health_check',
  attributes: YamlMapping,
  timeoutField?: 'timeout',
): ProcessChange {
  const data = {
    ...(timeoutField && optionalNumber('timeout', attributes, timeoutField)),
    ...optionalNumber('invocation_timeout', attributes, `${check}_invocation_timeout`),
    ...optionalNumber('interval', attributes, `${check}_interval`),
    ...(`${check}_http_endpoint` in attributes && {
      endpoint: attributes[`${check}_http_endpoint`] as string | null,
    }),
  }
  const type = checkType(attributes[`${check}_type`]) as HealthCheckType | undefined
  if (type === undefined && Object.keys(data).length === 0) return {}
  return { [check]: { ...(type !== undefined && { type }), ...(Object.keys(data).length > 0 && { data }) } }
}

function optionalNumber<K extends string>(
  key: K,
  attributes: YamlMapping,
  field: string,
): Partial<Record<K, number | null>> {
  if (!(field in attributes)) return {}
  const value = attributes[field]
  return { [key]: isGiven(value) ? Number(value) : null } as Partial<Record<K, number | null>>
}

export const isGiven = (value: unknown): boolean => value !== undefined && value !== null

function textFaults(words: string, value: unknown, maximum: number): string[] {
  if (typeof value !== 'string') return [`${words} must be a string`]
  const fits = value.length >= 1 && value.length <= maximum && !value.includes('\0')
  return fits ? [] : [`${words} must be between 1 and ${maximum} characters`]
}

/** Text that is a number counts as that number. */
export function integerFaults(
  words: string,
  value: unknown,
  { minimum, maximum = maximumInteger }: { minimum: number; maximum?: number },
): string[] {
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\s*[-+]?\d+(\.\d+)?\s*$/.test(value))
  const number = Number(value)
  if (!isNumeric || Number.isNaN(number)) return [`${words} is not a number`]
  if (!Number.isInteger(number)) return [`${words} must be an integer`]
  if (number < minimum) return [`${words} must be greater than or equal to ${minimum}`]
  return number > maximum ? [`${words} must be less than or equal to ${maximum}`] : []
}

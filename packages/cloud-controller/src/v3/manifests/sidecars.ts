import type { ManifestSidecar } from '../../actions/manifests/app-manifest.ts'
import { printed } from '../kit/words.ts'
import { megabytesOf } from './byte-quantity.ts'
import { integerFaults, isGiven } from './process-attributes.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

export interface ReadSidecars {
  readonly faults: readonly string[]
  readonly sidecars: readonly ManifestSidecar[]
}

const maximumNameLength = 255
const maximumCommandLength = 4096

/** Sidecars of an app's manifest. Source: cloud_controller_ng app/messages/sidecar_create_message.rb. */
export function readSidecars(app: YamlMapping): ReadSidecars {
  if (!('sidecars' in app)) return { faults: [], sidecars: [] }
  const { sidecars: list } = app
  if (!Array.isArray(list) || !list.every(isMapping))
    return { faults: ['Sidecars must be an array of sidecar configurations'], sidecars: [] }
  return { faults: list.flatMap(namedFaults), sidecars: list.map(sidecarOf) }
}

function sidecarOf(sidecar: YamlMapping): ManifestSidecar {
  const memory = memoryOf(sidecar)
  return {
    name: printed(sidecar.name),
    command: printed(sidecar.command),
    process_types: sidecar.process_types as string[],
    ...(isGiven(memory) && { memory_in_mb: Number(memory) }),
  }
}

/** In MB; what is no amount with a unit is taken as it is. */
const memoryOf = ({ memory }: YamlMapping): unknown => megabytesOf(memory) ?? memory

function namedFaults(sidecar: YamlMapping): string[] {
  const faults = sidecarFaults(sidecar)
  const { name } = sidecar
  const isNamed = isGiven(name) && printed(name).trim() !== ''
  return faults.map((fault) => `Sidecar ${isNamed ? `"${name}": ${fault}` : fault.toLowerCase()}`)
}

function sidecarFaults(sidecar: YamlMapping): string[] {
  const memory = memoryOf(sidecar)
  return [
    ...textFaults('Name', sidecar.name, maximumNameLength),
    ...textFaults('Command', sidecar.command, maximumCommandLength),
    ...processTypeFaults(sidecar.process_types),
    ...(isGiven(memory)
      ? integerFaults('Memory in mb', memory, { minimum: 1 }).map((fault) =>
          fault.replace('greater than or equal to 1', 'greater than 0'),
        )
      : []),
  ]
}

function textFaults(words: string, value: unknown, maximum: number): string[] {
  const isBlank = !isGiven(value) || printed(value).trim() === ''
  return [
    ...(isBlank ? [`${words} can't be blank`] : []),
    ...(typeof value === 'string' ? [] : [`${words} must be a string`]),
    ...(typeof value === 'string' && value.length > maximum
      ? [`${words} is too long (maximum is ${maximum} characters)`]
      : []),
  ]
}

function processTypeFaults(types: unknown): string[] {
  const isEmpty = Array.isArray(types) ? types.length === 0 : !isGiven(types)
  return [
    ...(Array.isArray(types) ? [] : ['Process types must be an array']),
    ...(isEmpty ? ['Process types must have at least 1 process_type'] : []),
    ...(Array.isArray(types) && types.some((type) => typeof type !== 'string')
      ? ['Process types can only contain strings']
      : []),
  ]
}

import { z } from 'zod'
import {
  type DestinationMessage,
  type DestinationProtocol,
  defaultProcessType,
} from '../../actions/route-destinations.ts'

const maximumDestinations = 100
const maximumPortsOfProcess = 10
const protocols: readonly unknown[] = ['http1', 'http2', 'tcp'] satisfies DestinationProtocol[]

type Mode = 'insert' | 'replace'

/** The body of inserting or replacing (cloud_controller_ng app/messages/route_update_destinations_message.rb). */
export const DestinationsInsert = z.strictObject({ destinations: destinations('insert') })
export const DestinationsReplace = z.strictObject({ destinations: destinations('replace') })

/** cloud_controller_ng app/messages/route_destination_update_message.rb */
export const DestinationUpdate = z.strictObject({
  protocol: z
    .enum(['http1', 'http2', 'tcp'], { error: "Destination protocol must be 'http1', 'http2' or 'tcp'." })
    .optional(),
})

function destinations(mode: Mode) {
  return z
    .unknown()
    .transform((value, context): DestinationMessage[] => {
      const faults = listFaults(value, mode)
      for (const message of faults) context.addIssue({ code: 'custom', message })
      return faults.length > 0 ? z.NEVER : (value as Wire[]).map(destinationMessage)
    })
    .meta(listSchema(mode))
}

/** The shape of what is checked by hand below, for the OpenAPI document. */
function listSchema(mode: Mode) {
  const weight = { type: ['integer', 'null'], minimum: 1, maximum: 100 }
  return {
    type: 'array',
    minItems: mode === 'insert' ? 1 : 0,
    maxItems: maximumDestinations,
    items: {
      type: 'object',
      properties: {
        app: {
          type: 'object',
          properties: {
            guid: { type: 'string', minLength: 1, maxLength: 199 },
            process: { type: ['object', 'null'], properties: { type: { type: 'string' } }, required: ['type'] },
          },
          required: ['guid'],
        },
        ...(mode === 'replace' ? { weight } : { weight: { type: 'null' } }),
        port: { type: ['integer', 'null'], minimum: 1024, maximum: 65_535 },
        protocol: { enum: [...protocols, null] },
      },
      required: ['app'],
      additionalProperties: false,
    },
  } as const
}

/** An element that has been found valid. */
interface Wire {
  readonly app: { readonly guid: string; readonly process?: { readonly type: string } | null }
  readonly port?: number | null
  readonly weight?: number | null
  readonly protocol?: DestinationProtocol | null
}

const destinationMessage = ({ app, port, weight, protocol }: Wire): DestinationMessage => ({
  appGuid: app.guid,
  processType: app.process?.type ?? defaultProcessType,
  port: port || null,
  weight: weight || null,
  protocol: protocol || null,
})

function listFaults(value: unknown, mode: Mode): string[] {
  const minimum = mode === 'insert' ? 1 : 0
  if (!Array.isArray(value) || value.length < minimum || value.length > maximumDestinations)
    return [
      `Destinations must be an array containing between ${minimum} and ${maximumDestinations} destination objects.`,
    ]
  const faults = value.flatMap((element, index) =>
    elementFaults(element, mode).map((fault) => `Destinations[${index}]: ${fault}`),
  )
  if (hasTooManyPorts(value)) faults.push(`Process must have at most ${maximumPortsOfProcess} exposed ports.`)
  return faults.length > 0 ? faults : weightsFaults(value)
}

function elementFaults(element: unknown, mode: Mode): string[] {
  if (!isObject(element)) return ['must be an object.']
  if (!('app' in element)) return ['must have an "app".']
  const { app, weight, port, protocol, ...rest } = element
  if (Object.keys(rest).length > 0) return ['must have only "app" and optionally "weight", "port" or "protocol".']
  return [...appFaults(app), ...weightFaults(weight, mode), ...portFaults(port), ...protocolFaults(protocol)]
}

function appFaults(app: unknown): string[] {
  const guid = isObject(app) ? app.guid : undefined
  if (!isObject(app) || typeof guid !== 'string' || guid.length < 1 || guid.length > 199)
    return ['app must have the structure {"guid": "app_guid"}']
  const { process } = app
  if (process === undefined || process === null) return []
  const isType =
    isObject(process) && Object.keys(process).join() === 'type' && typeof process.type === 'string' && process.type
  return isType ? [] : ['process must have the structure {"type": "process_type"}']
}

function weightFaults(weight: unknown, mode: Mode): string[] {
  if (!isGiven(weight)) return []
  if (mode === 'insert') return ['weighted destinations can only be used when replacing all destinations.']
  return isIntegerBetween(weight, 1, 100) ? [] : ['weight must be a positive integer between 1 and 100.']
}

const portFaults = (port: unknown): string[] =>
  !isGiven(port) || isIntegerBetween(port, 1024, 65_535)
    ? []
    : ['port must be a positive integer between 1024 and 65535 inclusive.']

const protocolFaults = (protocol: unknown): string[] =>
  !isGiven(protocol) || protocols.includes(protocol) ? [] : ["protocol must be 'http1', 'http2' or 'tcp'."]

function hasTooManyPorts(elements: readonly unknown[]): boolean {
  const portsOfApp = new Map<string, number>()
  for (const element of elements) {
    if (!isObject(element)) continue
    const app = JSON.stringify(element.app)
    portsOfApp.set(app, (portsOfApp.get(app) ?? 0) + 1)
  }
  return [...portsOfApp.values()].some((count) => count > maximumPortsOfProcess)
}

/** Weights that are fine one by one. */
function weightsFaults(elements: ReadonlyArray<{ weight?: number | null }>): string[] {
  const weights = elements.map(({ weight }) => weight).filter(isGiven)
  if (weights.length === 0) return []
  if (weights.length < elements.length)
    return ['Destinations cannot contain both weighted and unweighted destinations.']
  return weights.reduce((sum: number, weight) => sum + Number(weight), 0) === 100
    ? []
    : ['Destinations must have weights that sum to 100.']
}

const isIntegerBetween = (value: unknown, minimum: number, maximum: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum

/** CC takes false for nothing, too. */
const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== false

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

import { z } from 'zod'
import { maximumOptionsSizeInBytes, type RouteOptions } from '../../actions/route-options.ts'
import { printed, quoted } from '../kit/words.ts'

const known = ['loadbalancing', 'hash_header', 'hash_balance']
const maximumHeaderLength = 128
const maximumBalanceLength = 16

/** The shape of what is checked by hand below, for the OpenAPI document; an empty text counts as none. */
const optionsSchema = {
  id: 'RouteOptions',
  type: 'object',
  properties: {
    loadbalancing: { enum: ['round-robin', 'least-connection', 'hash', '', null] },
    hash_header: { type: ['string', 'null'], maxLength: maximumHeaderLength },
    hash_balance: { type: ['string', 'number', 'null'] },
  },
  additionalProperties: false,
} as const

/**
 * `options` of a route's body; hash load balancing only with the feature flag hash_based_routing.
 * Source: cloud_controller_ng app/messages/route_options_message.rb, validators.rb (OptionsValidator).
 */
export function routeOptionsField(allowsHash: boolean) {
  return z
    .unknown()
    .transform((value, context): RouteOptions => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        context.addIssue({ code: 'custom', message: "Options 'options' is not a valid object" })
        return z.NEVER
      }
      const options = value as Record<string, unknown>
      for (const fault of [...sizeFaults(options), ...optionFaults(options, allowsHash)])
        context.addIssue({ code: 'custom', message: `Options ${fault}` })
      return options as RouteOptions
    })
    .meta(optionsSchema)
}

function sizeFaults(options: Record<string, unknown>): string[] {
  const size = Buffer.byteLength(JSON.stringify(options))
  if (size <= maximumOptionsSizeInBytes) return []
  return [`must be smaller than ${maximumOptionsSizeInBytes} bytes (actual size is ${size} bytes)`]
}

function optionFaults(options: Record<string, unknown>, allowsHash: boolean): string[] {
  const { loadbalancing } = options
  const algorithms = ['round-robin', 'least-connection', ...(allowsHash ? ['hash'] : [])]
  const unknown = Object.keys(options).filter((key) => !known.includes(key))
  const switchedOff = allowsHash ? [] : ['hash_header', 'hash_balance'].filter((key) => isPresent(options[key]))
  return [
    ...(unknown.length > 0 ? [`Unknown field(s): ${quoted(unknown)}`] : []),
    ...(isPresent(loadbalancing) && !algorithms.includes(printed(loadbalancing))
      ? [`Loadbalancing must be one of ${quoted([algorithms.join(', ')])} if present`]
      : []),
    ...(switchedOff.length > 0 ? [`Unknown field(s): ${quoted(switchedOff)}`] : []),
    ...(allowsHash ? hashFaults(options) : []),
  ]
}

function hashFaults({ loadbalancing, hash_header, hash_balance }: Record<string, unknown>): string[] {
  const isOther = isPresent(loadbalancing) && loadbalancing !== 'hash'
  return [
    ...(isPresent(hash_header) && printed(hash_header).length > maximumHeaderLength
      ? [`Hash header must be at most ${maximumHeaderLength} characters`]
      : []),
    ...(isPresent(hash_balance) ? balanceFaults(hash_balance) : []),
    ...(isPresent(hash_header) && isOther ? ['Hash header can only be set when loadbalancing is hash'] : []),
    ...(isPresent(hash_balance) && isOther ? ['Hash balance can only be set when loadbalancing is hash'] : []),
  ]
}

function balanceFaults(balance: unknown): string[] {
  if (printed(balance).length > maximumBalanceLength)
    return [`Hash balance must be at most ${maximumBalanceLength} characters`]
  const value = typeof balance === 'number' || typeof balance === 'string' ? Number(balance) : Number.NaN
  if (Number.isNaN(value)) return ['Hash balance must be a numeric value']
  return value === 0 || (value >= 1.1 && value <= 10) ? [] : ['Hash balance must be either 0 or between 1.1 and 10.0']
}

/** Ruby's `present?` for what JSON can hold. */
function isPresent(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false
  return typeof value !== 'string' || value.trim() !== ''
}

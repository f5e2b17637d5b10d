import { printed } from '../kit/words.ts'
import { isGiven } from './process-attributes.ts'
import type { ListedRoute } from './routes-of-app.ts'
import { isMapping, type YamlMapping } from './yaml-document.ts'

const maximumHeaderLength = 128
const maximumBalanceLength = 16

/**
 * What is wrong with the options of routes; hash load balancing only where the feature flag hash_based_routing is on.
 * Source: cloud_controller_ng app/messages/manifest_routes_update_message.rb.
 */
export function routeOptionFaults(routes: readonly ListedRoute[], { allowsHash }: { allowsHash: boolean }): string[] {
  const withOptions = routes.filter(({ raw }) => 'options' in raw)
  const readable = withOptions.flatMap(({ text, raw }) =>
    isMapping(raw.options) ? [{ text, options: raw.options }] : [],
  )
  return [
    ...withOptions.flatMap(({ text, raw }) => shapeFaults(text, raw.options, allowsHash)),
    ...readable.flatMap(({ text, options }) => algorithmFaults(text, options, allowsHash)),
    ...(allowsHash
      ? readable.flatMap(({ text, options }) => hashFaults(options).map((fault) => `Route '${text}': ${fault}`))
      : []),
  ]
}

function shapeFaults(text: string, options: unknown, allowsHash: boolean): string[] {
  if (!isMapping(options)) return [`Route '${text}': options must be an object`]
  const valid = ['loadbalancing', ...(allowsHash ? ['hash_header', 'hash_balance'] : [])]
  return Object.keys(options)
    .filter((key) => !valid.includes(key))
    .map((key) => `Route '${text}' contains invalid route option '${key}'. Valid keys: '${valid.join(', ')}'`)
}

function algorithmFaults(text: string, options: YamlMapping, allowsHash: boolean): string[] {
  if (!('loadbalancing' in options)) return []
  const { loadbalancing } = options
  const valid = ['round-robin', 'least-connection', ...(allowsHash ? ['hash'] : [])]
  const among = `Valid values are: '${valid.join(', ')}'`
  if (typeof loadbalancing !== 'string') return [`Invalid value for 'loadbalancing' for Route '${text}'; ${among}`]
  if (valid.includes(loadbalancing)) return []
  return [`Cannot use loadbalancing value '${loadbalancing}' for Route '${text}'; ${among}`]
}

function hashFaults({ loadbalancing, hash_header, hash_balance }: YamlMapping): string[] {
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
  const value = Number(balance)
  if (Number.isNaN(value)) return ['Hash balance must be a numeric value']
  return value === 0 || (value >= 1.1 && value <= 10) ? [] : ['Hash balance must be either 0 or between 1.1 and 10.0']
}

const isPresent = (value: unknown): boolean => isGiven(value) && printed(value).trim() !== ''

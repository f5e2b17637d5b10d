import { unprocessable } from '../errors/api-error.ts'

/** Options of a route as a client sends them; null removes one. */
export type RouteOptions = Readonly<Record<string, string | number | null>>

export const maximumOptionsSizeInBytes = 1024

/**
 * Options as they are stored: without nulls, hash options only beside hash load balancing, the balance as text with one
 * decimal. Throws 422 when they are too large or hash load balancing lacks its header.
 * Source: cloud_controller_ng app/models/runtime/route.rb.
 */
export function storedOptions(options: RouteOptions): string {
  const usesHash = options.loadbalancing === 'hash'
  const kept = Object.fromEntries(
    Object.entries(options).flatMap(([name, value]): Array<[string, string | number]> => {
      if (value === null || (name.startsWith('hash_') && !usesHash)) return []
      return [
        [name, name === 'hash_balance' && value !== '' ? (Math.round(Number(value) * 10) / 10).toFixed(1) : value],
      ]
    }),
  )
  if (usesHash && !kept.hash_header)
    throw unprocessable('Hash header must be present when loadbalancing is set to hash.')
  const text = JSON.stringify(kept)
  if (Buffer.byteLength(text) > maximumOptionsSizeInBytes)
    throw unprocessable(`Route options size exceeded: options must be smaller than ${maximumOptionsSizeInBytes} bytes.`)
  return text
}

/** The options of a row; null where there never were any. */
export function optionsOf({ options }: { readonly options: string | null }): Record<string, string | number> | null {
  return options === null ? null : JSON.parse(options)
}

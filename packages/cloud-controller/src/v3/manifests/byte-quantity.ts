import { printed } from '../kit/words.ts'

/*
 * Amounts as manifests write them: `512M`, `1.5GB`, `100K`. Units are powers of 1024, in either letter case.
 * Source: cloud_controller_ng lib/cloud_controller/{byte_quantity,app_manifest/byte_converter}.rb.
 */

const unitsInBytes = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const
type Unit = keyof typeof unitsInBytes
const largestFirst = ['T', 'G', 'M', 'K', 'B'] as const satisfies Unit[]

/** What is wrong with an amount, or undefined; an absent or blank one is fine. */
export function quantityFault(value: unknown): string | undefined {
  if (isBlank(value)) return undefined
  if (!/^-?\d/.test(printed(value))) return 'is not a number'
  return bytesOf(printed(value)) === undefined
    ? 'must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB'
    : undefined
}

/** The amount in whole MB, rounded down; undefined where there is none or it is wrong. */
export function megabytesOf(value: unknown): number | undefined {
  if (isBlank(value) || quantityFault(value)) return undefined
  const bytes = bytesOf(printed(value))
  return bytes === undefined ? undefined : Math.trunc(bytes / unitsInBytes.M)
}

/** Like an amount, but `-1` (unlimited) and `0` need no unit. */
export function rateFault(value: unknown): string | undefined {
  return isUnitless(value) ? undefined : quantityFault(value)
}

/** Bytes per second; -1 is unlimited. Undefined where there is none or it is wrong. */
export function bytesPerSecondOf(value: unknown): number | undefined {
  if (isUnitless(value)) return Number(value)
  return isBlank(value) || quantityFault(value) ? undefined : bytesOf(printed(value))
}

const isUnitless = (value: unknown): boolean => ['-1', '0'].includes(printed(value))

/** `-1`, `0`, or a whole number of the largest unit that divides the bytes: 1048576 is `1M`. */
export function rateText(bytes: number): string {
  if (bytes === -1 || bytes === 0) return printed(bytes)
  const unit = largestFirst.find((candidate) => bytes % unitsInBytes[candidate] === 0) ?? 'B'
  return `${bytes / unitsInBytes[unit]}${unit}`
}

function bytesOf(text: string): number | undefined {
  const [, amount = '', unit = ''] = /^(-?\d+(?:\.\d+)?)([KMGT]i?B?|B)$/i.exec(text.trim()) ?? []
  if (unit === '') return undefined
  return Math.trunc(Number(amount) * unitsInBytes[unit.charAt(0).toUpperCase() as Unit])
}

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || value === false || printed(value).trim() === ''

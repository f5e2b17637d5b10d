import { z } from 'zod'
import type { Query } from '../store/envelope-store.ts'
import { type EnvelopeType, envelopeTypes } from '../store/stored-envelope.ts'

const int64 = z
  .string()
  .regex(/^[+-]?\d+$/, 'must be a whole number')
  .transform((text) => BigInt.asIntN(64, BigInt(text.replace('+', ''))))
const limit = z
  .string()
  .regex(/^[+-]?\d+$/, 'must be a whole number')
  .transform(Number)
  .pipe(z.number().min(0, 'must be greater than zero').max(1000, 'must be 1000 or less'))
const boolean = z
  .enum(['true', 'false', '1', '0', 't', 'f', 'T', 'F', 'TRUE', 'FALSE', 'True', 'False'], 'must be a boolean')
  .transform((text) => /^(1|t)/i.test(text))
const envelopeType = z
  .string()
  .transform((text) => (/^\d+$/.test(text) ? (envelopeTypes[Number(text)] ?? text) : text))
  .pipe(z.enum(envelopeTypes, `must be one of ${envelopeTypes.join(', ')}`))

const Parameters = z.object({
  start_time: int64.default(0n),
  end_time: int64.default(0n),
  limit: limit.default(0),
  descending: boolean.default(false),
  envelope_types: z.array(envelopeType).default([]),
  name_filter: z.string().default(''),
})

export interface ReadQuery extends Query {
  readonly limit: number
  readonly nameFilter: string
}

/** What is wrong with the parameters of a request, in words for its sender. */
export class ReadQueryError extends Error {
  override readonly name = 'ReadQueryError'
}

const defaultLimit = 100

/**
 * The parameters of a read, as log-cache takes them: times in nanoseconds since the epoch, also before it; end_time 0 or none is now;
 * limit 0 or none is 100, and at most 1000. Others are ignored. Throws ReadQueryError.
 * Source: log-cache-release src/internal/routing/local_store_reader.go.
 */
export function parseReadQuery(search: URLSearchParams): ReadQuery {
  const types = search.getAll('envelope_types')
  const given = Object.fromEntries([...search].filter(([name]) => name !== 'envelope_types'))
  const result = Parameters.safeParse({ ...given, ...(types.length > 0 ? { envelope_types: types } : {}) })
  if (!result.success) {
    const [issue] = result.error.issues
    throw new ReadQueryError(`${issue?.path[0]?.toString() ?? 'query'} ${issue?.message}`)
  }
  const { start_time: start, end_time: end, descending, envelope_types, name_filter, ...rest } = result.data
  if (end !== 0n && start > end) throw new ReadQueryError(`start_time (${start}) must be before end_time (${end})`)
  return {
    start,
    end: end === 0n ? BigInt(Date.now()) * 1_000_000n + 1_000_000n : end,
    limit: rest.limit || defaultLimit,
    descending,
    types: new Set(envelope_types.filter((type): type is EnvelopeType => type !== 'ANY')),
    nameFilter: name_filter,
  }
}

import type { QueryString } from './query-string.ts'
import { humanized } from './words.ts'

/** One condition on `created_at` or `updated_at`: bounds in the database's form, the upper one exclusive. */
export interface TimeCondition {
  readonly operator: '<' | '>='
  readonly value: string
}

const wireFormat = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/
const operators = ['lt', 'lte', 'gt', 'gte']

/**
 * Reads `created_ats`/`updated_ats` (semantics, section 4). The outer list is an OR (plain equality with several values), the
 * inner one an AND. A second on the wire is a whole second in the database: `[gt]` begins after it, `[lte]` ends with it.
 */
export function timeConditions(query: QueryString, key: string, faults: string[]): TimeCondition[][] {
  const nested = query.nested.get(key)
  if (nested) {
    const all = [...nested].map(([operator, value]) => relational(key, operator, value, faults))
    return [all.filter((condition) => condition !== undefined)]
  }
  const plain = query.values.get(key)
  if (plain === undefined) return []
  return plain.split(',').flatMap((value) => {
    const from = second(key, value.trim(), 0, faults)
    const to = second(key, value.trim(), 1, [])
    return from && to ? [[{ operator: '>=', value: from } as const, { operator: '<', value: to } as const]] : []
  })
}

function relational(key: string, operator: string, value: string, faults: string[]): TimeCondition | undefined {
  if (operator === '') {
    faults.push(`${humanized(key)} relational operator and timestamp must be specified`)
    return undefined
  }
  if (!operators.includes(operator)) {
    faults.push(`${humanized(key)} Invalid relational operator: '${operator}'`)
    return undefined
  }
  if (value.includes(',')) {
    faults.push(`${humanized(key)} only accepts one value when using a relational operator`)
    return undefined
  }
  const endOfSecond = operator === 'gt' || operator === 'lte'
  const bound = second(key, value, endOfSecond ? 1 : 0, faults)
  return bound ? { operator: operator.startsWith('l') ? '<' : '>=', value: bound } : undefined
}

function second(key: string, text: string, plusSeconds: 0 | 1, faults: string[]): string | undefined {
  const time = wireFormat.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    faults.push(
      `${humanized(key)} has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'`,
    )
    return undefined
  }
  return new Date(time + plusSeconds * 1000).toISOString()
}

/** A database time as clients see it: whole seconds. */
export function wireTime(time: string): string {
  return `${time.slice(0, 19)}Z`
}

/** Now, in the database's form. */
export function now(): string {
  return new Date().toISOString()
}

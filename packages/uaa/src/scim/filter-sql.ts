import type { SQLInputValue } from 'node:sqlite'
import { scimFault } from '../errors.ts'
import { type Filter, FilterSyntaxError, type FilterValue, type Operator, parseFilter } from './filter.ts'

/** Where an attribute is stored. Only expressions written in this program reach SQL; values of clients are parameters. */
export interface Attribute {
  readonly expression: string
  readonly type: 'text' | 'boolean' | 'time' | 'number'
  /** The stored text is in lower case already, so that an index serves. */
  readonly folded?: boolean
}

/** By name in lower case. */
export type Attributes = Readonly<Record<string, Attribute>>

export interface CompiledQuery {
  readonly where: string
  readonly orderBy: string
  readonly parameters: readonly SQLInputValue[]
}

/**
 * Filter and order as SQL. Text compares without regard to case. Throws UaaError 400 for what is no filter, for an
 * unknown attribute, and for a value of the wrong type (uaa: SimpleSearchQueryConverter.java).
 */
export function compileQuery(
  attributes: Attributes,
  query: { filter: string; sortBy: string; ascending: boolean },
): CompiledQuery {
  const sortAttribute = attribute(attributes, query.sortBy)
  if (!sortAttribute) throw scimFault(`Invalid filter expression: [${query.filter}] [${query.sortBy}]`)
  const parameters: SQLInputValue[] = []
  const where = sqlOf(parsed(query), attributes, parameters)
  return { where, orderBy: `${sortAttribute.expression} ${query.ascending ? 'ASC' : 'DESC'}`, parameters }
}

function parsed({ filter, sortBy }: { filter: string; sortBy: string }): Filter {
  try {
    return parseFilter(filter)
  } catch (error) {
    if (error instanceof FilterSyntaxError) throw scimFault(`Invalid filter expression: [${filter}] [${sortBy}]`)
    throw error
  }
}

function sqlOf(filter: Filter, attributes: Attributes, parameters: SQLInputValue[]): string {
  if (filter.kind === 'logical') {
    const operands = filter.operands.map((operand) => sqlOf(operand, attributes, parameters))
    return `(${operands.join(filter.operator === 'and' ? ' AND ' : ' OR ')})`
  }
  const found = attribute(attributes, filter.attribute)
  if (!found) throw scimFault(`Invalid filter attributes:${filter.attribute}`)
  if (filter.kind === 'present') return `${found.expression} IS NOT NULL`
  return comparison(found, filter.operator, filter.value, parameters)
}

const comparators: Partial<Record<Operator, string>> = { eq: '=', gt: '>', ge: '>=', lt: '<', le: '<=' }

function comparison(found: Attribute, operator: Operator, value: FilterValue, parameters: SQLInputValue[]): string {
  if (value === null) return `${found.expression} IS NULL`
  const left = found.type === 'text' && !found.folded ? `fold(${found.expression})` : found.expression
  const right = stored(found, value)
  parameters.push(right)
  const comparator = comparators[operator]
  if (comparator) return `${left} ${comparator} ?`
  if (found.type !== 'text') throw scimFault(`Invalid operator for this attribute: ${operator}`)
  // Not LIKE, for which % and _ in a name would be wildcards.
  if (operator === 'co') return `instr(${left}, ?) > 0`
  parameters.push(right)
  return `substr(${left}, 1, length(?)) = ?`
}

function stored({ type }: Attribute, value: string | number | boolean): SQLInputValue {
  if (type === 'text' && typeof value === 'string') return value.toLowerCase()
  if (type === 'number' && typeof value === 'number') return value
  if (type === 'boolean' && (typeof value === 'boolean' || value === 'true' || value === 'false')) {
    return Number(String(value) === 'true')
  }
  if (type === 'time' && typeof value === 'string' && !Number.isNaN(Date.parse(value))) return Date.parse(value)
  throw scimFault(`Invalid value in filter: [${String(value)}]`)
}

function attribute(attributes: Attributes, name: string): Attribute | undefined {
  const folded = name.toLowerCase()
  return Object.hasOwn(attributes, folded) ? attributes[folded] : undefined
}

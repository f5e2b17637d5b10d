import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from 'kysely'
import type { Tables } from '../../db/schema.ts'
import { keyFault, splitKey, valueFault } from './label-rules.ts'

export type Requirement =
  | { readonly kind: 'exists' | 'absent'; readonly key: string }
  | { readonly kind: 'in' | 'notin'; readonly key: string; readonly values: readonly string[] }

const maximumRequirements = 50
const forms: ReadonlyArray<[RegExp, (key: string, values: string) => Requirement]> = [
  [/^([^\s!=(),]+) in \(([^()]*)\)$/, (key, values) => ({ kind: 'in', key, values: split(values) })],
  [/^([^\s!=(),]+) notin \(([^()]*)\)$/, (key, values) => ({ kind: 'notin', key, values: split(values) })],
  [/^([^\s!=(),]+)==?([^\s=(),]*)$/, (key, value) => ({ kind: 'in', key, values: [value] })],
  [/^([^\s!=(),]+)!=([^\s=(),]*)$/, (key, value) => ({ kind: 'notin', key, values: [value] })],
  [/^!([^\s!=(),]+)$/, (key) => ({ kind: 'absent', key })],
  [/^([^\s!=(),]+)$/, (key) => ({ kind: 'exists', key })],
]

/** Parses a `label_selector` (semantics, section 5); what is wrong goes to `faults` in CC's words. */
export function parseLabelSelector(text: string, faults: string[]): Requirement[] {
  if (text.trim() === '') {
    faults.push('Missing label_selector value')
    return []
  }
  const parts = text.match(/[^,(]*\([^)]*\)[^,]*|[^,]+/g) ?? []
  if (parts.length > maximumRequirements) {
    faults.push(`Too many label_selector requirements (maximum is ${maximumRequirements})`)
    return []
  }
  const requirements = parts.map((part) => parseRequirement(part.trim()))
  const fault = requirements.includes(undefined)
    ? 'Invalid label_selector value'
    : requirements.flatMap((requirement) => (requirement ? requirementFaults(requirement) : []))[0]
  if (fault !== undefined) {
    faults.push(fault)
    return []
  }
  return requirements.filter((requirement) => requirement !== undefined)
}

function parseRequirement(text: string): Requirement | undefined {
  for (const [form, make] of forms) {
    const match = form.exec(text)
    if (match) return make(match[1] ?? '', match[2] ?? '')
  }
  return undefined
}

function requirementFaults(requirement: Requirement): string[] {
  const values = 'values' in requirement ? requirement.values : []
  return [keyFault(requirement.key), ...values.map(valueFault)].filter((fault) => fault !== undefined)
}

const split = (values: string): string[] => values.split(',').map((value) => value.trim())

/** The requirement as a condition on rows of `table`; `!=` and `notin` also match resources without the key. */
export function labelCondition<TB extends keyof Tables>(
  eb: ExpressionBuilder<Tables, TB>,
  { resourceType, guidColumn }: { resourceType: string; guidColumn: string },
  requirement: Requirement,
): ExpressionWrapper<Tables, TB, SqlBool> {
  const { prefix, name } = splitKey(requirement.key)
  const labelled = (eb as unknown as ExpressionBuilder<Tables, 'labels'>)
    .selectFrom('labels')
    .select('labels.id')
    .where('labels.resource_type', '=', resourceType)
    .where('labels.key_prefix', '=', prefix)
    .where('labels.key_name', '=', name)
    .whereRef('labels.resource_guid', '=', guidColumn as 'labels.resource_guid')
  const matching = 'values' in requirement ? labelled.where('labels.value', 'in', [...requirement.values]) : labelled
  const found = eb.exists(matching)
  return (requirement.kind === 'in' || requirement.kind === 'exists' ? found : eb.not(found)) as ExpressionWrapper<
    Tables,
    TB,
    SqlBool
  >
}

import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from 'kysely'
import type { Tables } from '../../db/schema.ts'
import { keyFault, splitKey, valueFault } from './label-rules.ts'

export type Requirement =
  | { readonly kind: 'exists' | 'absent'; readonly key: string }
  | { readonly kind: 'in' | 'notin'; readonly key: string; readonly values: readonly string[] }

const maximumRequirements = 50
/** In this order, after those with `in` and `notin`; no blanks (cloud_controller_ng app/models/helpers/metadata_helpers.rb). */
const forms: ReadonlyArray<[RegExp, (key: string, values: string) => Requirement]> = [
  [/^([\w./-]+)==?(.*)$/, (key, value) => ({ kind: 'in', key, values: value.split(',') })],
  [/^([\w./-]+)!=(.*)$/, (key, value) => ({ kind: 'notin', key, values: value.split(',') })],
  [/^([\w./-]+)$/, (key) => ({ kind: 'exists', key })],
  [/^!([\w./-]+)$/, (key) => ({ kind: 'absent', key })],
]

/** Parses a `label_selector` (semantics, section 5); what is wrong goes to `faults` in CC's words. */
export function parseLabelSelector(text: string, faults: string[]): Requirement[] {
  const parts = requirementsIn(text)
  if (parts.length === 0) faults.push('Missing label_selector value')
  if (parts.length > maximumRequirements) {
    faults.push(`Too many label_selector requirements (maximum is ${maximumRequirements})`)
    return []
  }
  return parts.flatMap((part) => {
    const requirement = parseRequirement(part)
    const fault = requirement ? requirementFault(requirement) : 'Invalid label_selector value'
    if (fault !== undefined) faults.push(fault)
    return requirement ?? []
  })
}

/** The texts between the commas, but not those in parentheses. A parenthesis that is never closed is a character like any other. */
function requirementsIn(text: string): string[] {
  const lastClosing = text.lastIndexOf(')')
  const parts: string[] = []
  let start = 0
  for (let at = 0; at <= text.length; at += 1) {
    if (text[at] === '(' && at < lastClosing) at = text.indexOf(')', at)
    else if (text[at] === ',' || at === text.length) {
      if (at > start) parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return parts
}

/** `key in (a,b)`, without an expression, which would take time in the square of the length. */
function parseSet(text: string, kind: 'in' | 'notin'): Requirement | undefined {
  const opening = ` ${kind} (`
  const at = text.indexOf(opening)
  const from = at + opening.length
  if (at < 0 || from >= text.length || !text.endsWith(')') || /[\n\r\u2028\u2029]/.test(text)) return undefined
  return { kind, key: text.slice(0, at), values: text.slice(from, -1).split(',') }
}

function parseRequirement(text: string): Requirement | undefined {
  const set = parseSet(text, 'in') ?? parseSet(text, 'notin')
  if (set) return set
  for (const [form, make] of forms) {
    const match = form.exec(text)
    if (match) return make(match[1] ?? '', match[2] ?? '')
  }
  return undefined
}

function requirementFault(requirement: Requirement): string | undefined {
  const values = 'values' in requirement ? requirement.values : []
  return [keyFault(requirement.key), ...values.map(valueFault)].find((fault) => fault !== undefined)
}

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

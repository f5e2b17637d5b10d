import fc from 'fast-check'
import { escaped, some, text } from './bad-values.ts'

/** What an operation lets one ask for. */
export interface QueryKnowledge {
  readonly keys: readonly string[]
  readonly orders: readonly string[]
  readonly includes: readonly string[]
  readonly fields: readonly string[]
}

/** Query strings of which at least one parameter is likely to be wrong, with the `?`. `guids` are known to the database. */
export function faultyQueries(knowledge: QueryKnowledge, guids: readonly string[]): fc.Arbitrary<string> {
  const known = knowledge.keys.map((key) => pairOf(key, knowledge, guids))
  const pair = fc.oneof(
    { weight: 8, arbitrary: known.length > 0 ? fc.oneof(...known) : strangePair },
    { weight: 1, arbitrary: strangePair },
    { weight: 1, arbitrary: fc.constantFrom(...knowledge.keys, 'wheels').chain(bracketed) },
  )
  return some(pair, 4).map((pairs) => `?${pairs.join('&')}`)
}

const strangePair = fc.tuple(escaped, escaped).map(([key, value]) => `${key}=${value}`)

const bracketed = (key: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(
        '[]',
        '[gt]',
        '[lt]',
        '[not]',
        '[foo]',
        '[',
        ']',
        '[[gt]]',
        '[space.organization]',
        '[__proto__]',
      ),
      escaped,
    )
    .map(([bracket, value]) => `${key}${bracket}=${value}`)

function pairOf(key: string, knowledge: QueryKnowledge, guids: readonly string[]): fc.Arbitrary<string> {
  const value = valuesFor(key, knowledge, guids)
  if (key === 'fields') {
    const names = fc.constantFrom(...knowledge.fields, 'space', 'wheels', '')
    const keys = fc.array(fc.oneof(fc.constantFrom('guid', 'name', 'relationships.organization'), text), {
      maxLength: 3,
    })
    return fc.tuple(names, keys).map(([name, inner]) => `fields[${name}]=${inner.map(escapedOnce).join(',')}`)
  }
  if (key === 'created_ats' || key === 'updated_ats') {
    const operator = fc.constantFrom('', '', '[gt]', '[gte]', '[lt]', '[lte]', '[eq]', '[]')
    return fc.tuple(operator, timestamps).map(([bracket, times]) => `${key}${bracket}=${times}`)
  }
  return fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: escaped }).map((one) => `${key}=${one}`)
}

const counts = [
  '0',
  '-1',
  '1',
  '2',
  '5000',
  '5001',
  '2147483647',
  '2147483648',
  '9007199254740993',
  '1e9',
  '1.5',
  '%201',
]
const words = ['', 'true', 'false', 'TRUE', '1', 'web', 'STARTED', 'AWAITING_UPLOAD', 'bits', 'docker', 'my_buildpack']

function valuesFor(key: string, { orders, includes }: QueryKnowledge, guids: readonly string[]): fc.Arbitrary<string> {
  switch (key) {
    case 'page':
    case 'per_page':
      return fc.constantFrom(...counts, '٣', '0x10', '1,2', '')
    case 'order_by': {
      const order = fc.constantFrom(...orders, 'id', 'name', '__proto__', '')
      return fc.tuple(fc.constantFrom('', '-', '%2B', '--', ' ', ','), order).map((parts) => parts.join(''))
    }
    case 'include':
      return listOf(fc.constantFrom(...includes, ...includes.map((name) => name.toUpperCase()), 'space.', 'wheels'))
    case 'label_selector':
      return labelSelectors
    default:
      return listOf(fc.oneof(fc.constantFrom(...guids, ...words), text.map(escapedOnce)))
  }
}

/** Short lists, and such that have more elements than a statement may have variables. */
function listOf(element: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const many = fc.tuple(fc.constantFrom(1000, 33_000), fc.constantFrom(',', '1,'), element)
  return fc.oneof(
    { weight: 30, arbitrary: fc.array(element, { maxLength: 4 }).map((all) => all.join(',')) },
    { weight: 1, arbitrary: many.map(([count, unit, last]) => `${unit.repeat(count)}${last}`) },
  )
}

const twoDigits = (maximum: number): fc.Arbitrary<string> =>
  fc.nat(maximum).map((value) => String(value).padStart(2, '0'))
/** Of the right form, on days that exist or don't. */
const timestamp = fc
  .tuple(fc.constantFrom('0000', '0001', '1969', '2026', '9999'), twoDigits(13), twoDigits(32), twoDigits(25))
  .map(([year, month, day, hour]) =>
    `${year}-${month}-${day}T${hour}:59:60Z`.replace(':60Z', hour < '12' ? ':00Z' : ':60Z'),
  )
const timestamps = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: timestamp },
      fc.constantFrom(
        '',
        'now',
        '2026-01-01',
        '2026-01-01T00:00:00.000Z',
        '2026-01-01T00:00:00%2B01:00',
        '+12026-01-01T00:00:00Z',
      ),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((times) => times.join(','))

const labelKey = fc.oneof(
  fc.constantFrom(
    'a',
    'tier',
    'example.org/tier',
    'a/b/c',
    '/',
    'a/',
    '-a',
    `${'a'.repeat(64)}`,
    `${'a.'.repeat(127)}a/b`,
  ),
  text,
)
const labelValue = fc.oneof(fc.constantFrom('', 'b', '-', 'a b', 'a'.repeat(64)), text)
const labelValues = fc.oneof(
  { weight: 20, arbitrary: fc.array(labelValue, { maxLength: 3 }).map((values) => values.join(',')) },
  { weight: 1, arbitrary: fc.constant(','.repeat(33_000)) },
)
const requirement = fc.oneof(
  fc
    .tuple(labelKey, fc.constantFrom(' in ', ' notin ', 'in', ' IN '), labelValues)
    .map(([key, verb, values]) => `${key}${verb}(${values})`),
  fc.tuple(labelKey, fc.constantFrom('=', '==', '!=', '===', '<'), labelValue).map((parts) => parts.join('')),
  fc.tuple(fc.constantFrom('', '!', '!!'), labelKey).map((parts) => parts.join('')),
)
/** By the grammar, with a character lost or added. */
const labelSelectors = fc
  .tuple(
    fc.oneof(
      { weight: 9, arbitrary: fc.array(requirement, { maxLength: 3 }).map((all) => all.join(',')) },
      fc.constantFrom(50, 51, 3000).map((count) => Array.from({ length: count }, (_, index) => `a${index}`).join(',')),
    ),
    fc.option(fc.tuple(fc.nat(40), fc.constantFrom('', '(', ')', ',', '!', ' ', '='))),
  )
  .map(([selector, edit]) => {
    if (edit === null) return escapedOnce(selector)
    const [at, inserted] = edit
    return escapedOnce(selector.slice(0, at) + inserted + selector.slice(at + (inserted === '' ? 1 : 0)))
  })

const escapedOnce = (value: string): string => encodeURIComponent(value.toWellFormed())

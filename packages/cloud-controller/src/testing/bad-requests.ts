import fc from 'fast-check'

/** One request of a kind that no client should make. */
export interface BadRequest {
  readonly operation: string
  /** By parameter of the path, raw, or undefined for the right one. */
  readonly parameter: string | undefined
  readonly query: string
  /** Raw, or changes to a body that is right. */
  readonly body: RawBody | readonly Change[]
  readonly contentType: string | undefined
}

type RawBody = string | Uint8Array
/** Walks down by `steps` (each chooses among what is there), and puts `value` there, or under `key`, or takes it away. */
export interface Change {
  readonly steps: readonly number[]
  readonly key: string | undefined
  readonly value: unknown
  readonly isRemoval: boolean
}

const strangeTexts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '../../etc/passwd',
  "'; drop table apps; --",
  '%',
  '_',
  '\\',
  '"',
  '\ud800',
  '\u202e\ufeff',
  '9'.repeat(400),
  '-1',
  '0',
  '1e999',
  'NaN',
  '0x10',
  'null',
  'true',
  'a'.repeat(70_000),
  'a,b,,c',
  'a in (b',
  '!',
  '/'.repeat(50),
  '2026-02-31T25:61:61Z',
  '9999-12-31T23:59:59Z',
  '🐳'.repeat(100),
] as const
const text = fc.oneof(fc.constantFrom(...strangeTexts), fc.string({ unit: 'binary' }), fc.string())
const number = fc.oneof(
  fc.constantFrom(-1, 0, -0, 0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 1e21, 1e308, -(2 ** 63)),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
)
const deep = fc
  .tuple(fc.integer({ min: 1, max: 400 }), fc.boolean())
  .map(([depth, isArray]) => Array.from({ length: depth }).reduce((inner) => (isArray ? [inner] : { data: inner }), 1))
const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, text, number, fc.boolean(), fc.constant(null), deep, tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map(ownProperties),
})).value

/** `__proto__` becomes a key like any other. */
function ownProperties(entries: ReadonlyArray<readonly [string, unknown]>): object {
  const object = {}
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  return object
}

const rawBody: fc.Arbitrary<RawBody> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(
    '{',
    '[',
    '[]',
    '"text"',
    'null',
    '{"name":1e400}',
    '{"name":123456789012345678901234567890}',
    '{"name":"a","name":"b"}',
    '{"__proto__":{"isAdmin":true},"name":"a"}',
    '\ufeff{}',
    `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    `{"metadata":${'{"labels":'.repeat(5_000)}{}${'}'.repeat(5_000)}}`,
    'a: &a [*a]',
    'applications: [{name: hello, env: {__proto__: 1}}]',
    'applications:\n- name: "\\0"\n  instances: 99999999999999999999\n',
    'a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\napplications: [*c]',
    '--- !ruby/object:Gem::Installer\ni: x',
  ),
  fc.constant(Uint8Array.of(0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0xc3, 0x28, 0x22, 0x7d)),
  json.map((value) => JSON.stringify(value) ?? ''),
)

const change: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat(20), { maxLength: 5 }),
  key: fc.option(text, { nil: undefined }),
  value: json,
  isRemoval: fc.boolean(),
})

const escaped = fc.oneof(
  text.map((value) => encodeURIComponent(value.toWellFormed())),
  fc.constantFrom('%', '%zz', '%ff', '%c3%28', '%00', '%2f..%2f', '%252c', '%E0%80%80', '+', '[]', '[gt]'),
)

function query(keys: readonly string[]): fc.Arbitrary<string> {
  const key = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...keys) }, { weight: 1, arbitrary: escaped })
  const bracket = fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    fc.constantFrom('[]', '[gt]', '[lt]', '[not]', '[foo]', '[', ']', '[[gt]]', '[space.organization]', '[__proto__]'),
  )
  const pair = fc.tuple(key, bracket, escaped).map(([name, inner, value]) => `${name}${inner}=${value}`)
  return fc.array(pair, { maxLength: 4 }).map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`))
}

/** Requests for these operations with these query parameters. */
export function badRequests(
  operations: readonly string[],
  queryKeys: Readonly<Record<string, readonly string[]>>,
): fc.Arbitrary<BadRequest> {
  return fc.constantFrom(...operations).chain((operation) =>
    fc.record({
      operation: fc.constant(operation),
      parameter: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: escaped }),
      query: operation.startsWith('GET ')
        ? query(queryKeys[operation] ?? ['page'])
        : fc.oneof({ weight: 4, arbitrary: fc.constant('') }, query(['source_guid', 'unmapped', 'async'])),
      body:
        operation.startsWith('GET ') || operation.startsWith('DELETE ')
          ? fc.constant('')
          : fc.oneof(
              { weight: 1, arbitrary: rawBody },
              { weight: 3, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
            ),
      contentType: fc.option(
        fc.constantFrom(
          'application/x-yaml',
          'text/plain',
          'multipart/form-data',
          'multipart/form-data; boundary=x',
          '',
        ),
        { nil: undefined, freq: 2 },
      ),
    }),
  )
}

/** The body with the changes made. */
export function changed(body: unknown, changes: readonly Change[]): unknown {
  let root: unknown = structuredClone(body) ?? {}
  for (const one of changes) root = changedAt(root, one.steps, one)
  return root
}

function changedAt(node: unknown, steps: readonly number[], change: Change): unknown {
  if (typeof node !== 'object' || node === null) return change.value
  const entries: Array<readonly [string, unknown]> = Object.entries(node)
  const [step, ...rest] = steps
  if (step === undefined || entries.length === 0) {
    if (change.key === undefined) return change.value
    return rebuilt(node, [...entries, [change.key, change.value]])
  }
  const index = step % entries.length
  if (rest.length === 0 && change.isRemoval) return rebuilt(node, entries.toSpliced(index, 1))
  return rebuilt(
    node,
    entries.map(([key, value], at) => [key, at === index ? changedAt(value, rest, change) : value]),
  )
}

const rebuilt = (node: object, entries: ReadonlyArray<readonly [string, unknown]>): unknown =>
  Array.isArray(node) ? entries.map(([, value]) => value) : ownProperties(entries)

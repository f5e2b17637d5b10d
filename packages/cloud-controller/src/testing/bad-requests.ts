import assert from 'node:assert/strict'
import fc from 'fast-check'
import { deep, escaped, json, text } from './bad-values.ts'
import { type BodyOptions, faultyBodies } from './faulty-bodies.ts'
import { faultyQueries, type QueryKnowledge } from './faulty-queries.ts'

/** A request in which at least one thing was made wrong on purpose. */
export interface BadRequest {
  readonly who: string
  readonly operation: string
  /** With its query, in the form in which URLs are sent. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

/** What bad requests to one operation are made of. */
export interface OperationFacts {
  readonly operation: string
  /** With a path that is right. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Undefined if it takes none. */
  readonly body: Pick<BodyOptions, 'right' | 'shape'> | undefined
  /** Instead of `body`: one that is no JSON. */
  readonly rawBody: Uint8Array | undefined
  readonly query: QueryKnowledge
}

type Part = 'path' | 'query' | 'body' | 'headers'

/** Requests to all the operations, sent by any of `who`. `guids` are there to be named in the wrong place. */
export function badRequests(
  operations: readonly OperationFacts[],
  guids: readonly string[],
  who: readonly string[],
): fc.Arbitrary<BadRequest> {
  const guidsToName = [...guids, '00000000-0000-4000-8000-000000000000', 'web', 'ssh']
  return fc.oneof(
    ...operations.map((facts) => ({
      weight: takesBody(facts) ? 4 : 1, // there is much more to make wrong
      arbitrary: requestsOf(facts, guidsToName, who),
    })),
  )
}

function requestsOf(facts: OperationFacts, guids: readonly string[], who: readonly string[]): fc.Arbitrary<BadRequest> {
  const paths = faultyPaths(facts, guids)
  const queries = faultyQueries(facts.query, guids)
  const bodies = facts.body
    ? fc.oneof(
        { weight: 6, arbitrary: faultyBodies({ ...facts.body, wrongGuids: guids }) },
        { weight: 1, arbitrary: brokenBodies },
      )
    : facts.rawBody
      ? damaged(facts.rawBody)
      : brokenBodies
  const right = facts.body ? JSON.stringify(facts.body.right) : facts.rawBody
  const request = (parts: readonly Part[]): fc.Arbitrary<BadRequest> => {
    const has = (part: Part): boolean => parts.includes(part)
    return fc
      .record({
        who: fc.constantFrom(...who),
        path: has('path') ? paths : fc.constant(facts.path),
        query: has('query') ? queries : fc.constant(''),
        body: has('body') ? bodies : fc.constant(right),
        headers: has('headers') ? faultyHeaders : fc.constant({}),
      })
      .map(({ who: sender, path, query, body, headers }) =>
        readable({
          who: sender,
          operation: facts.operation,
          path: normalized(`${path}${path.includes('?') ? query.replace('?', '&') : query}`),
          headers: { ...facts.headers, ...headers },
          body,
        }),
      )
  }
  const isWrite = !facts.operation.startsWith('GET ')
  return fc.oneof(
    { weight: takesBody(facts) ? 12 : 0, arbitrary: request(['body']) },
    { weight: isWrite ? 1 : 8, arbitrary: request(['query']) },
    { weight: facts.operation.includes(':') ? 2 : 0, arbitrary: request(['path']) },
    { weight: isWrite ? 1 : 0, arbitrary: request(['headers', 'body']) },
    { weight: 1, arbitrary: request(isWrite ? ['path', 'query', 'body', 'headers'] : ['path', 'query', 'headers']) },
  )
}

const takesBody = ({ body, rawBody }: OperationFacts): boolean => body !== undefined || rawBody !== undefined

const shownCharacters = 600

/** In the report of a failure the middle of long texts is left out; its seed makes them again. */
function readable(request: BadRequest): BadRequest {
  const text = (value: string): string =>
    value.length <= shownCharacters
      ? value
      : `${value.slice(0, shownCharacters / 2)}…${value.slice(-shownCharacters / 2)}`
  const show = (): string => {
    const { who, operation, path, headers, body } = request
    const shownBody = body instanceof Uint8Array ? Buffer.from(body).toString('latin1') : body
    const fields = Object.entries({ who, operation, path, headers: JSON.stringify(headers), body: shownBody ?? 'none' })
    return fields.map(([name, value]) => `\n    ${name}: ${text(value)}`).join('')
  }
  return Object.defineProperty(request, fc.toStringMethod, { value: show })
}

/** As every client sends it: dots resolved, blanks escaped. What is sent otherwise is a matter for the wire. */
function normalized(path: string): string {
  const { pathname, search } = new URL(`http://localhost${path}`)
  return pathname + search
}

/** One parameter of the path is odd, or the guid of something else. */
function faultyPaths({ operation, path }: OperationFacts, guids: readonly string[]): fc.Arbitrary<string> {
  const template = operation.slice(operation.indexOf(' ') + 1).split('/')
  const parameters = [...template.keys()].filter((index) => template[index]?.startsWith(':'))
  if (parameters.length === 0) return escaped.map((value) => `${path}/${value}`)
  const [rightPath = '', ...query] = path.split('?')
  const value = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...guids) },
    { weight: 2, arbitrary: escaped },
    fc.constantFrom('a'.repeat(8000), '0', '-1', '00', '1e3', '9'.repeat(30), '2147483648', ';', ':guid', '*', '.json'),
  )
  return fc
    .tuple(fc.constantFrom(...parameters), value)
    .map(([index, wrong]) => [rightPath.split('/').with(index, wrong).join('/'), ...query].join('?'))
}

/** JSON by and large, and YAML for the manifests. */
const brokenBodies: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constant(`{"name":[${'[],'.repeat(2_000_000)}[]]}`) },
  {
    weight: 20,
    arbitrary: fc.constantFrom(
      '',
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
  },
  // A key in bytes that are no UTF-8.
  {
    weight: 1,
    arbitrary: fc.constant(
      Uint8Array.of(0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0xc3, 0x28, 0x22, 0x7d),
    ),
  },
  { weight: 10, arbitrary: json.map((value) => JSON.stringify(value) ?? '') },
  {
    weight: 10,
    arbitrary: deep.map((value) => JSON.stringify({ relationships: value, metadata: value, data: value, var: value })),
  },
)

/** Cut off, with some bytes changed, or with more of the same behind it. */
function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(bytes.length - 1)
  return fc.oneof(
    place.map((end) => bytes.slice(0, end)),
    fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
      const copy = bytes.slice()
      for (const [at, value] of changes) copy[at] = value
      return copy
    }),
    fc.uint8Array({ maxLength: 50 }).map((more) => new Uint8Array([...bytes, ...more, ...bytes])),
  )
}

const latin = text.map((value) =>
  value
    .replace(/[^\x20-\x7e\xa0-\xff]/g, '')
    .slice(0, 2000)
    .trim(),
)

const faultyHeaders: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.constantFrom(
    'content-type',
    'accept',
    'authorization',
    'x-vcap-request-id',
    'content-encoding',
    'range',
    'if-none-match',
  ),
  fc.oneof(
    fc.constantFrom(
      'application/x-yaml',
      'text/plain',
      'application/json; charset=utf-16',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'multipart/form-data; boundary=x',
      `multipart/form-data; boundary=${'x'.repeat(500)}`,
      'Multipart/Form-Data; boundary=x',
      'gzip',
      'bearer',
      'bearer nonsense',
      'Basic YTpi',
      'bytes=0-0,5-1',
      '',
    ),
    latin,
  ),
  { minKeys: 1, maxKeys: 2 },
)

/** CC's 503 for whoever asks for TCP routes of a Cloud Foundry without them (cloud_controller_ng app/controllers/v3/domains_controller.rb). */
const refusedAsUnavailable = 'The Routing API is disabled.'

/** Whether the answer refuses the request. Throws if it is none that a request may get: of success, or a refusal in CC's form. */
export function isRefusal({ status, body }: { status: number; body: unknown }): boolean {
  const { errors } = body as { errors?: Array<{ code: unknown; title: unknown; detail: unknown }> }
  const isOurFault = status >= 500 && errors?.[0]?.detail !== refusedAsUnavailable
  assert.ok(status >= 200 && !isOurFault, `${status} ${JSON.stringify(body)}`)
  if (status < 400) return false
  assert.ok(Array.isArray(errors) && errors.length > 0, `${status} without errors: ${JSON.stringify(body)}`)
  for (const { code, title, detail } of errors) {
    assert.ok(Number.isInteger(code) && typeof detail === 'string', `${status} ${JSON.stringify(body)}`)
    assert.match(String(title), /^CF-\w+$/)
  }
  return true
}

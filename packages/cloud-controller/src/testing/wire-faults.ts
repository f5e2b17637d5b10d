import fc from 'fast-check'

/** What is written to one connection: pieces of bytes, one after the other. */
export interface WireFault {
  readonly pieces: readonly Uint8Array[]
  /** The client waits for answers for a while, closes its side at once, or is gone without having read anything. */
  readonly ending: 'patient' | 'hasty' | 'gone'
}

/**
 * Connections that say what HTTP does not allow, or only half of what they should: request lines, headers, lengths, chunks, bodies,
 * ends. `authorization` is a header's value that is right. Nothing that may arrive of it asks for what would succeed in a change:
 * the bodies have an unknown field, and what is changed or deleted does not exist.
 */
export function wireFaults(authorization: string): fc.Arbitrary<WireFault> {
  const good = [`Authorization: ${authorization}`, 'Host: localhost', 'Content-Type: application/json']
  const goodHeaders = fc.constant(good)
  const parts = fc.oneof(
    { weight: 1, arbitrary: fc.tuple(oddLine, goodHeaders, goodFraming) },
    { weight: 3, arbitrary: fc.tuple(goodLine, oddHeaders(good), goodFraming) },
    { weight: 3, arbitrary: fc.tuple(goodLine, goodHeaders, oddFraming) },
    { weight: 1, arbitrary: fc.tuple(oddLine, oddHeaders(good), oddFraming) },
  )
  const request = parts.map(([line, headers, [framing, body]]) => [line, ...headers, ...framing, '', body].join('\r\n'))
  const conversation = fc.oneof(
    { weight: 6, arbitrary: request },
    {
      weight: 2,
      arbitrary: fc.array(fc.oneof(request, rubbish), { minLength: 2, maxLength: 5 }).map((all) => all.join('')),
    },
    { weight: 1, arbitrary: request.map((text) => text.replaceAll('\r\n', '\n')) },
    { weight: 1, arbitrary: rubbish },
  )
  return fc
    .record({
      text: conversation,
      cut: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(600) }),
      pieceSize: fc.constantFrom(100_000, 100_000, 1000, 17),
      ending: fc.constantFrom<WireFault['ending'][]>('patient', 'patient', 'patient', 'hasty', 'gone'),
    })
    .map(({ text, cut, pieceSize, ending }) => {
      const bytes = Buffer.from(cut === null ? text : text.slice(0, cut), 'latin1')
      // Not more pieces than a client would send within a moment.
      const size = Math.max(pieceSize, Math.ceil(bytes.length / 50))
      const pieces: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
      const shown = text.length <= 2000 ? text : `${text.slice(0, 1000)}…${text.slice(-1000)}`
      const show = (): string => `${JSON.stringify(cut === null ? shown : text.slice(0, cut))} (${ending})`
      return Object.defineProperty({ pieces, ending }, fc.toStringMethod, { value: show })
    })
}

const nowhere = '/v3/spaces/0b0b0b0b-0000-4000-8000-000000000000'

const goodLine = fc.constantFrom(
  'GET /v3/organizations HTTP/1.1',
  'POST /v3/organizations HTTP/1.1',
  'POST /v3/apps HTTP/1.1',
  `PATCH ${nowhere} HTTP/1.1`,
  `DELETE ${nowhere} HTTP/1.0`,
  'POST /v3/packages/0b0b0b0b-0000-4000-8000-000000000000/upload HTTP/1.1',
  'GET /v3/info HTTP/1.1',
)

/** Every method with every target, and those with all that a line can do wrong. */
const oddLine = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE') },
      fc.constantFrom(
        'PUT',
        'HEAD',
        'OPTIONS',
        'TRACE',
        'CONNECT',
        'PRI',
        'QUERY',
        'PURGE',
        'get',
        'G ET',
        '',
        'FOO',
        'GET\0',
        '\x7f',
      ),
    ),
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          '/v3/organizations',
          '/v3/apps',
          '/v3/info',
          nowhere,
          `${nowhere}/relationships/isolation_segment`,
        ),
      },
      fc.constantFrom(
        '/v3/packages/0b0b0b0b-0000-4000-8000-000000000000/upload',
        `${nowhere}/actions/apply_manifest`,
        '/staging/droplets/x/upload',
        '/',
        '',
        '*',
        '//',
        '//v3//apps',
        '/v3/../v3/organizations',
        '/v3/apps#fragment',
        '/v3/apps?guids=%',
        '/v3/%61pps',
        '/v3/apps%2f..',
        '/v3\\apps',
        'http://other.example.org/v3/organizations',
        'http://',
        'localhost:443',
        'v3/apps',
        '/v3/apps HTTP/1.1 HTTP/1.1',
        '/\xff\xfe',
        '/v3/apps\0',
        '/v3/apps\t',
        `/v3/apps?names=${','.repeat(40_000)}`,
        `/${'a'.repeat(60_000)}`,
        `/${'a'.repeat(100_000)}`,
        `/v3/organizations?${'a=b&'.repeat(10_000)}`,
      ),
    ),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('HTTP/1.1') },
      fc.constantFrom(
        'HTTP/1.0',
        'HTTP/0.9',
        'HTTP/2.0',
        'HTTP/1.1x',
        'http/1.1',
        '',
        'HTTP/9.9',
        'HTTP/1',
        'HTTPS/1.1',
        'HTTP/1.1 ',
      ),
    ),
  )
  .map((parts) => parts.join(' '))

function oddHeaders(good: string[]): fc.Arbitrary<string[]> {
  const odd = fc.oneof(
    fc.constantFrom(
      'Host: localhost',
      'Host: a b',
      'Host: a/b?c#d',
      'Host: \xff',
      `Host: ${'a'.repeat(5000)}`,
      'Authorization: bearer',
      'Authorization: bearer \xe4',
      `Authorization: bearer ${'a.'.repeat(10_000)}`,
      'Content-Type: application/x-yaml',
      'Content-Type: multipart/form-data',
      'Content-Type: multipart/form-data; boundary="',
      'Content-Type: multipart/form-data; boundary=x',
      'Content-Type: \xff\xfe; charset=utf-7',
      'Content-Encoding: gzip',
      'Content-Encoding: br, br',
      'Accept-Encoding: \x01',
      'Expect: 100-continue',
      'Expect: miracles',
      'Connection: close',
      'Connection: upgrade',
      'Connection: \x00',
      'Upgrade: websocket',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'Range: bytes=9-0',
      'X-Vcap-Request-Id: \xe4\xf6\xfc',
      `X-Vcap-Request-Id: ${'i'.repeat(2000)}`,
      'X-Http-Method-Override: DELETE',
      'no colon',
      ': no name',
      'Two Words: x',
      'Tab\t: x',
      'Null: a\0b',
      ' folded: x',
      'Bare: a\rb',
      'Bare: a\nb',
      `Long: ${'x'.repeat(70_000)}`,
      Array.from({ length: 3000 }, (_, index) => `H${index}: ${index}`).join('\r\n'),
      Array.from({ length: 500 }, () => 'Cookie: a=b').join('\r\n'),
    ),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  const lines = fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: fc.subarray(good) })
  return fc.tuple(lines, fc.array(odd, { minLength: 1, maxLength: 2 })).map(([some, more]) => [...some, ...more])
}

const refusedBody = '{"name":"new","wheels":4}'
const bodyText = fc.oneof(
  { weight: 4, arbitrary: fc.constant(refusedBody) },
  fc.constantFrom(
    '',
    '{',
    '{"wheels":"\xff\xfe"}',
    '\x1f\x8b\x08\x00',
    `{"wheels":"${'x'.repeat(70_000)}"}`,
    '--x\r\nContent-Disposition: form-data; name="bits"',
  ),
)

/** The headers that tell where the body ends, and the body. */
const goodFraming = fc.constantFrom<Array<[string[], string]>>(
  [[`Content-Length: ${refusedBody.length}`], refusedBody],
  [['Transfer-Encoding: chunked'], `${refusedBody.length.toString(16)}\r\n${refusedBody}\r\n0\r\n\r\n`],
  [[], ''],
)

const oddFraming: fc.Arbitrary<[string[], string]> = fc.oneof(
  bodyText.map((body): [string[], string] => [[`Content-Length: ${body.length}`], body]),
  fc
    .tuple(
      bodyText,
      fc.constantFrom(
        '-1',
        '1e3',
        '+5',
        '5, 5',
        '5, 6',
        '99999999999999999999',
        '18446744073709551617',
        '0x10',
        '',
        ' ',
        '5 5',
        '٣',
        '10000001',
      ),
    )
    .map(([body, length]): [string[], string] => [[`Content-Length: ${length}`], body]),
  fc
    .tuple(bodyText, fc.constantFrom(-20, -1, 1, 1000))
    .map(([body, more]): [string[], string] => [[`Content-Length: ${Math.max(0, body.length + more)}`], body]),
  fc
    .tuple(bodyText, fc.constantFrom(0, 5))
    .map(([body, length]): [string[], string] => [
      [`Content-Length: ${body.length}`, `Content-Length: ${length}`],
      body,
    ]),
  fc
    .tuple(
      fc.constantFrom(
        'chunked',
        'Chunked',
        'chunked, chunked',
        'gzip, chunked',
        'chunked, gzip',
        'xchunked',
        'identity',
        '',
        '\x0bchunked',
      ),
      chunks(),
    )
    .map(([coding, body]): [string[], string] => [[`Transfer-Encoding: ${coding}`], body]),
  chunks().map((body): [string[], string] => [['Transfer-Encoding: chunked', 'Content-Length: 5'], body]),
  fc.constant<[string[], string]>([[], '']),
)

function chunks(): fc.Arbitrary<string> {
  const size = refusedBody.length.toString(16)
  const head = fc.oneof(
    { weight: 4, arbitrary: fc.constant(size) },
    fc.constantFrom(
      '',
      'zz',
      '-1',
      '0x5',
      ` ${size}`,
      `${size} `,
      `${size};name=value`,
      `${size};${'e'.repeat(20_000)}`,
      `${'0'.repeat(1000)}${size}`,
      'FFFFFFFFFFFFFFFF',
      'FFFFFFFFFFFFFFFFF1',
      '7FFFFFFF',
      '1',
    ),
  )
  const tail = fc.oneof(
    { weight: 3, arbitrary: fc.constant('\r\n0\r\n\r\n') },
    fc.constantFrom(
      '',
      '\r\n',
      '\r\n0\r\n',
      '0\r\n\r\n',
      '\r\n0\r\nTrailer: x\r\n\r\n',
      '\r\n0\r\nbroken trailer\r\n\r\n',
      '\n0\n\n',
      `\r\n0\r\nT: ${'x'.repeat(70_000)}\r\n\r\n`,
    ),
  )
  return fc.tuple(head, tail).map(([first, last]) => `${first}\r\n${refusedBody}${last}`)
}

/** Not even HTTP. */
const rubbish = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom(
    '\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', // TLS
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00',
    'SSH-2.0-OpenSSH_9.9\r\n',
    'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n',
    '\0'.repeat(70_000),
    '\n'.repeat(70_000),
    'x'.repeat(200_000),
  ),
)

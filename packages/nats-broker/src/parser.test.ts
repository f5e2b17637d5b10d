import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolViolation } from './errors.ts'
import { Parser, type ParserHandler, type ParserLimits } from './parser.ts'

const limits: ParserLimits = { maxControlLineInBytes: 64, maxPayloadInBytes: 1000 }

/** Writes down each call as a text. */
class Recorder implements ParserHandler {
  awaitsConnect = false
  readonly calls: string[] = []
  connect(json: string) {
    this.awaitsConnect = false
    this.calls.push(`connect ${json}`)
  }
  ping() {
    this.calls.push('ping')
  }
  pong() {
    this.calls.push('pong')
  }
  subscribe(subject: string, queue: string | undefined, sid: string) {
    this.calls.push(`subscribe ${subject} ${queue} ${sid}`)
  }
  unsubscribe(sid: string, max: number | undefined) {
    this.calls.push(`unsubscribe ${sid} ${max}`)
  }
  announce() {
    this.calls.push('announce')
  }
  publish(publication: Parameters<ParserHandler['publish']>[0]) {
    const { payload, payloadStart, headerSize, totalSize } = publication
    const whole = payload.toString('latin1', payloadStart, payloadStart + totalSize + 2)
    assert.ok(whole.endsWith('\r\n'), 'the line end lies behind the payload')
    const [headers, data] = [whole.slice(0, headerSize), whole.slice(headerSize, -2)]
    this.calls.push(
      `publish ${publication.subject()} ${publication.reply()} ${JSON.stringify(headers)} ${JSON.stringify(data)}`,
    )
  }
  clientError(text: string) {
    this.calls.push(`clientError ${text}`)
  }
}

/** All calls that the bytes lead to, and the error that ends them. */
function parseAll(chunks: readonly Buffer[]): string[] {
  const recorder = new Recorder()
  const parser = new Parser(recorder, limits)
  try {
    for (const chunk of chunks) parser.parse(chunk)
  } catch (error) {
    assert.ok(error instanceof ProtocolViolation, String(error))
    return [...recorder.calls, `violation: ${error.message}`]
  }
  return [...recorder.calls, `state: ${parser.state}`]
}

const bytes = (text: string) => Buffer.from(text, 'latin1')

/** Feeds one byte after the other and writes down where the parser stands after each. */
function states(text: string): string[] {
  const parser = new Parser(new Recorder(), limits)
  return [...text].map((byte) => {
    parser.parse(bytes(byte))
    return parser.state
  })
}

describe('Parser, byte by byte', () => {
  test('walks through PING', () => {
    assert.deepEqual(states('PING\r\n'), ['P', 'PI', 'PIN', 'PING', 'PING rest of line', ''])
  })

  test('walks through PONG with something behind it', () => {
    assert.deepEqual(states('poNG'), ['P', 'PO', 'PON', 'PONG'])
    assert.deepEqual(states('PONG x\n').slice(3), ['PONG', 'PONG rest of line', 'PONG rest of line', ''])
  })

  test('walks through CONNECT, whose blank may be missing', () => {
    const name = ['C', 'CO', 'CON', 'CONN', 'CONNE', 'CONNEC', 'CONNECT']
    const line = 'CONNECT arguments'
    assert.deepEqual(states('CONNECT {}\r\n'), [...name, 'CONNECT blank', line, line, line, ''])
    assert.deepEqual(states('CONNECT{}\n'), [...name, line, line, ''])
  })

  test('walks through SUB with blanks of both kinds', () => {
    const line = 'SUB arguments'
    assert.deepEqual(states('SUB \ta 1\r\n'), ['S', 'SU', 'SUB', 'SUB blank', 'SUB blank', line, line, line, line, ''])
  })

  test('walks through UNSUB', () => {
    assert.deepEqual(states('UNSUB 1\n'), ['U', 'UN', 'UNS', 'UNSU', 'UNSUB', 'UNSUB blank', 'UNSUB arguments', ''])
  })

  test('walks through PUB with its payload and its line end', () => {
    const line = 'PUB arguments'
    const payload = 'PUB payload'
    assert.deepEqual(states('PUB a 2\r\nhi\r\n'), [
      ...['P', 'PU', 'PUB', 'PUB blank', line, line, line, line],
      ...[payload, payload, 'PUB payload CR', 'PUB payload LF', ''],
    ])
  })

  test('walks through PUB without payload', () => {
    assert.deepEqual(states('PUB a 0\r\n\r\n').slice(-3), ['PUB payload', 'PUB payload LF', ''])
  })

  test('walks through HPUB', () => {
    const walked = states('HPUB a 1 2\r\nhi\r\n')
    assert.deepEqual(walked.slice(0, 6), ['H', 'HP', 'HPU', 'HPUB', 'HPUB blank', 'HPUB arguments'])
    assert.deepEqual(walked.slice(-5), ['HPUB payload', 'HPUB payload', 'HPUB payload CR', 'HPUB payload LF', ''])
  })

  test('walks through what only servers say', () => {
    assert.deepEqual(states('+OK\r\n'), ['+', '+O', '+OK', '+OK rest of line', ''])
    assert.deepEqual(states('INFO {}\n').slice(3, 5), ['INFO', 'INFO rest of line'])
    assert.deepEqual(states("-ERR 'x'\n").slice(3, 6), ['-ERR', '-ERR blank', '-ERR arguments'])
  })

  for (const [text, error] of [
    ['X', 'Unknown Protocol Operation'],
    ['PX', 'Unknown Protocol Operation'],
    ['PUBX', 'Unknown Protocol Operation'],
    ['SUB\r', 'Unknown Protocol Operation'],
    ['\r', 'Unknown Protocol Operation'],
    ['PUB a 1\r\nxy', 'Unknown Protocol Operation'],
    ['PUB a 1\r\nx\rx', 'Unknown Protocol Operation'],
    ['PUB a\r\n', 'Parser Error'],
    ['PUB a b c d e f g h 1\r\n', 'Parser Error'],
    ['PUB \r\n', 'Parser Error'],
    ['HPUB a 2 1\r\n', 'Parser Error'],
    ['PUB a 1001\r\n', 'Maximum Payload Violation'],
    [`SUB ${'a'.repeat(66)}`, 'maximum control line exceeded'],
    [`SUB ${'a'.repeat(65)}\n`, 'maximum control line exceeded'],
    [`SUB ${'a'.repeat(65)}\r`, 'maximum control line exceeded'],
  ] as const)
    test(`fails at the last byte of ${JSON.stringify(text)}`, () => {
      const parser = new Parser(new Recorder(), limits)
      for (const byte of text.slice(0, -1)) parser.parse(bytes(byte))
      assert.throws(() => parser.parse(bytes(text.slice(-1))), { name: 'ProtocolViolation', message: error })
    })

  test('takes nothing but CONNECT while that is awaited, and says so at the first byte', () => {
    const recorder = new Recorder()
    recorder.awaitsConnect = true
    assert.throws(() => new Parser(recorder, limits).parse(bytes('P')), { message: 'Authorization Violation' })
    const parser = new Parser(recorder, limits)
    parser.parse(bytes('con'))
    parser.parse(bytes('nect {}\r\nPING\r\n'))
    assert.deepEqual(recorder.calls, ['connect {}', 'ping'])
  })
})

/** One operation and the calls that it leads to. */
const word = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '>', '\xe4', '\x00'), minLength: 1, maxLength: 8 })
const blank = fc.constantFrom(' ', '\t', '  ', ' \t ')
const lineEnd = fc.constantFrom('\r\n', '\n')
const payload = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString('latin1'))
const operation = fc.oneof(
  fc.constant({ text: 'PING\r\n', calls: ['ping'] }),
  fc.constant({ text: 'pong\n', calls: ['pong'] }),
  fc.constant({ text: '+OK\r\n', calls: [] }),
  fc
    .record({ lineEnd, blank })
    .map((it) => ({ text: `CONNECT${it.blank}{"a":1}${it.lineEnd}`, calls: ['connect {"a":1}'] })),
  fc.record({ subject: word, queue: fc.option(word), sid: word, blank, lineEnd }).map((it) => ({
    text: `SUB${it.blank}${it.subject}${it.blank}${it.queue === null ? '' : `${it.queue} `}${it.sid}${it.lineEnd}`,
    calls: [`subscribe ${it.subject} ${it.queue ?? undefined} ${it.sid}`],
  })),
  fc.record({ sid: word, max: fc.option(fc.nat(1000)), blank, lineEnd }).map((it) => ({
    text: `UNSUB${it.blank}${it.sid}${it.max === null ? '' : `${it.blank}${it.max}`}${it.lineEnd}`,
    calls: [`unsubscribe ${it.sid} ${it.max ?? undefined}`],
  })),
  fc
    .record({ subject: word, reply: fc.option(word), headers: fc.option(payload), data: payload, blank, lineEnd })
    .map((it) => {
      const isPlain = it.headers === null
      const headers = it.headers ?? ''
      const sizes = `${isPlain ? '' : `${headers.length}${it.blank}`}${headers.length + it.data.length}`
      const reply = it.reply === null ? '' : `${it.reply}${it.blank}`
      return {
        text: `${isPlain ? 'PUB' : 'HPUB'} ${it.subject}${it.blank}${reply}${sizes}${it.lineEnd}${headers}${it.data}\r\n`,
        calls: [
          'announce',
          `publish ${it.subject} ${it.reply ?? undefined} ${JSON.stringify(headers)} ${JSON.stringify(it.data)}`,
        ],
      }
    }),
)

function cut(text: string, cuts: readonly number[]): Buffer[] {
  const whole = bytes(text)
  const places = [...new Set([0, ...cuts.map((place) => place % (whole.length + 1)), whole.length])].sort(
    (a, b) => a - b,
  )
  return places.slice(1).map((end, i) => Buffer.from(whole.subarray(places[i], end)))
}

describe('Parser, in any chunks', () => {
  test('hears the same operations wherever the chunks end', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 12 }), (operations, cuts) => {
        const text = operations.map((it) => it.text).join('')
        const expected = [...operations.flatMap((it) => it.calls), 'state: ']
        assert.deepEqual(parseAll(cut(text, cuts)), expected)
      }),
      { numRuns: 1000 },
    )
  })

  test('hears the same from damaged operations, and never anything but a ProtocolViolation', () => {
    const damage = fc.record({ place: fc.nat(), with: fc.string({ unit: 'binary-ascii', maxLength: 3 }) })
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: 6 }),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (operations, damages, cuts) => {
          let text = operations.map((it) => it.text).join('')
          for (const it of damages) {
            const place = it.place % text.length
            text = text.slice(0, place) + it.with + text.slice(place + 1)
          }
          assert.deepEqual(parseAll(cut(text, cuts)), parseAll([bytes(text)]))
        },
      ),
      { numRuns: 1000 },
    )
  })
})

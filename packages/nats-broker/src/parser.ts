import { ProtocolViolation, protocolErrors } from './errors.ts'
import { complete, NO_STATE, type Operation, prefixes, transitions } from './operations.ts'
import { Publication } from './publication.ts'

/** What a client has said. Texts are latin1, one character a byte. A handler must not parse on the same parser. */
export interface ParserHandler {
  /** Only CONNECT may come before this is false. */
  readonly awaitsConnect: boolean
  connect(json: string): void
  ping(): void
  pong(): void
  subscribe(subject: string, queue: string | undefined, sid: string): void
  /** `max` messages in all; undefined, 0 and what is not a number mean at once. */
  unsubscribe(sid: string, max: number | undefined): void
  /** The arguments of PUB or HPUB have been read, the payload is still to come. Throws to refuse it. */
  announce(publication: Publication): void
  publish(publication: Publication): void
  clientError(text: string): void
}

export interface ParserLimits {
  readonly maxControlLineInBytes: number
  readonly maxPayloadInBytes: number
}

// The states above those of the operations' names.
const START = 0
const BLANK = prefixes.length
const ARGUMENTS = BLANK + 1
const REST_OF_LINE = BLANK + 2
const PAYLOAD = BLANK + 3
const PAYLOAD_CR = BLANK + 4
const PAYLOAD_LF = BLANK + 5
const laterStates = ['blank', 'arguments', 'rest of line', 'payload', 'payload CR', 'payload LF'] as const

const SPACE = 0x20
const TAB = 0x09
const CR = 0x0d
const LF = 0x0a
const LINE_END_IN_BYTES = 2

/**
 * The client's side of the NATS protocol as a state machine over bytes. Chunks may end anywhere; what must be kept over a chunk's end
 * is one control line (bounded by `maxControlLineInBytes`) or one payload (bounded by `maxPayloadInBytes`).
 * A message that lies in one chunk is handed on in place, without a copy.
 */
export class Parser {
  readonly #handler: ParserHandler
  readonly #limits: ParserLimits
  #state = START
  #operation: Operation = 'PING'
  /** The part of a control line that came in earlier chunks. */
  #line: Buffer | undefined
  #lineLength = 0
  readonly #publication = new Publication()
  /** A payload that spans chunks, and how much of it is here. */
  #payload: Buffer | undefined
  #payloadLength = 0

  constructor(handler: ParserHandler, limits: ParserLimits) {
    this.#handler = handler
    this.#limits = limits
  }

  /** Where the parser stands, in words: `''` between operations, `'PU'` inside a name, `'PUB arguments'`, `'PUB payload CR'`. */
  get state(): string {
    const prefix = prefixes[this.#state]
    return prefix ?? `${this.#operation} ${laterStates[this.#state - BLANK]}`
  }

  /** Takes the next bytes. Throws ProtocolViolation; the parser can't be used after that. */
  parse(chunk: Buffer): void {
    let i = 0
    while (i < chunk.length) {
      switch (this.#state) {
        case BLANK:
          if (chunk[i] === SPACE || chunk[i] === TAB) i++
          else this.#state = ARGUMENTS
          break
        case ARGUMENTS:
          i = this.#readArguments(chunk, i)
          break
        case REST_OF_LINE:
          if (chunk[i++] === LF) this.#endOfLine()
          break
        case PAYLOAD:
          i = this.#readPayload(chunk, i)
          break
        case PAYLOAD_CR:
        case PAYLOAD_LF:
          this.#readLineEnd(chunk[i++] as number)
          break
        default:
          i = this.#readName(chunk, i)
      }
    }
  }

  #readName(chunk: Buffer, start: number): number {
    let state = this.#state
    if (state === START && this.#handler.awaitsConnect && ((chunk[start] as number) & ~0x20) !== 0x43 /* C */)
      throw new ProtocolViolation(protocolErrors.authorization, 'the first operation is not CONNECT')
    let i = start
    let byte = chunk[i] as number
    for (;;) {
      const next = transitions[state * 256 + byte] as number
      if (next === NO_STATE) break
      state = next
      i++
      if (i === chunk.length) {
        this.#state = state
        return i
      }
      byte = chunk[i] as number
    }
    const name = complete[state]
    if (name === undefined) throw new ProtocolViolation(protocolErrors.unknownOperation)
    this.#operation = name.operation
    this.#lineLength = 0
    if (name.shape === 'ignored') {
      this.#state = REST_OF_LINE
      return i
    }
    if (name.shape === 'arguments' && byte !== SPACE && byte !== TAB)
      throw new ProtocolViolation(protocolErrors.unknownOperation)
    this.#state = BLANK
    return i
  }

  /** Reads to the end of the line, or keeps what there is of it for the next chunk. */
  #readArguments(chunk: Buffer, start: number): number {
    let end = start
    while (end < chunk.length && chunk[end] !== LF) end++
    if (end < chunk.length && this.#lineLength === 0) {
      this.#runLine(chunk, start, end)
      return end + 1
    }
    const line = this.#keepLine(chunk, start, end)
    if (end === chunk.length) return end
    this.#runLine(line, 0, this.#lineLength)
    return end + 1
  }

  #keepLine(chunk: Buffer, start: number, end: number): Buffer {
    const most = this.#limits.maxControlLineInBytes + 1 // the last may be the CR of the line end
    if (this.#lineLength + end - start > most) throw new ProtocolViolation(protocolErrors.controlLine)
    this.#line ??= Buffer.allocUnsafeSlow(most)
    chunk.copy(this.#line, this.#lineLength, start, end)
    this.#lineLength += end - start
    return this.#line
  }

  #runLine(line: Buffer, start: number, lineEnd: number): void {
    const end = lineEnd > start && line[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd
    if (end - start > this.#limits.maxControlLineInBytes) throw new ProtocolViolation(protocolErrors.controlLine)
    this.#state = START
    switch (this.#operation) {
      case 'PUB':
      case 'HPUB':
        this.#publication.readArguments(line, start, end, this.#operation === 'HPUB')
        if (this.#publication.totalSize > this.#limits.maxPayloadInBytes)
          throw new ProtocolViolation(protocolErrors.maxPayload, `${this.#publication.totalSize} bytes`)
        this.#handler.announce(this.#publication)
        this.#state = PAYLOAD
        return
      case 'SUB':
        this.#subscribe(words(line, start, end))
        return
      case 'UNSUB':
        this.#unsubscribe(words(line, start, end))
        return
      case 'CONNECT':
        this.#handler.connect(line.toString('utf8', start, end))
        return
      default:
        this.#handler.clientError(line.toString('latin1', start, end))
    }
  }

  #subscribe([subject, queueOrSid, sid, ...more]: readonly string[]): void {
    if (subject === undefined || queueOrSid === undefined || more.length > 0)
      throw new ProtocolViolation(protocolErrors.parser, 'SUB: wrong number of arguments')
    if (sid === undefined) this.#handler.subscribe(subject, undefined, queueOrSid)
    else this.#handler.subscribe(subject, queueOrSid, sid)
  }

  #unsubscribe([sid, max, ...more]: readonly string[]): void {
    if (sid === undefined || more.length > 0)
      throw new ProtocolViolation(protocolErrors.parser, 'UNSUB: wrong number of arguments')
    this.#handler.unsubscribe(sid, max !== undefined && /^\d{1,9}$/.test(max) ? Number(max) : undefined)
  }

  #endOfLine(): void {
    this.#state = START
    if (this.#operation === 'PING') this.#handler.ping()
    else if (this.#operation === 'PONG') this.#handler.pong()
  }

  /** A payload that is here with its line end is published in place; any other is gathered first. */
  #readPayload(chunk: Buffer, start: number): number {
    const size = this.#publication.totalSize
    if (this.#payload === undefined) {
      const end = start + size
      if (end + LINE_END_IN_BYTES <= chunk.length) {
        if (chunk[end] !== CR || chunk[end + 1] !== LF) throw new ProtocolViolation(protocolErrors.unknownOperation)
        this.#publish(chunk, start)
        return end + LINE_END_IN_BYTES
      }
      this.#payload = Buffer.allocUnsafe(size + LINE_END_IN_BYTES)
      this.#payload[size] = CR
      this.#payload[size + 1] = LF
      this.#payloadLength = 0
    }
    const end = Math.min(chunk.length, start + size - this.#payloadLength)
    chunk.copy(this.#payload, this.#payloadLength, start, end)
    this.#payloadLength += end - start
    if (this.#payloadLength === size) this.#state = PAYLOAD_CR
    return end
  }

  #readLineEnd(byte: number): void {
    if (byte !== (this.#state === PAYLOAD_CR ? CR : LF)) throw new ProtocolViolation(protocolErrors.unknownOperation)
    if (this.#state === PAYLOAD_CR) {
      this.#state = PAYLOAD_LF
      return
    }
    const payload = this.#payload as Buffer
    this.#payload = undefined
    this.#publish(payload, 0)
  }

  #publish(payload: Buffer, start: number): void {
    this.#state = START
    this.#publication.payload = payload
    this.#publication.payloadStart = start
    this.#handler.publish(this.#publication)
  }
}

const words = (line: Buffer, start: number, end: number): string[] =>
  line
    .toString('latin1', start, end)
    .split(/[ \t\r]+/)
    .filter((word) => word !== '')

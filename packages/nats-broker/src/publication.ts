import { ProtocolViolation, protocolErrors } from './errors.ts'

/**
 * One PUB or HPUB as it stands in the received bytes: offsets instead of strings, so that a message passes through the broker
 * without being taken apart. A parser has one of these and fills it again for each message; nobody may keep it.
 */
export class Publication {
  /** Holds the arguments; all offsets but those of the payload are into this. Ends are exclusive. */
  line: Buffer = EMPTY
  subjectStart = 0
  subjectEnd = 0
  /** Equal when there is no reply subject. */
  replyStart = 0
  replyEnd = 0
  /** The sizes as the client wrote them, which is how they are passed on. Equal for PUB, which has no header size. */
  headerSizeStart = 0
  headerSizeEnd = 0
  totalSizeStart = 0
  totalSizeEnd = 0
  /** Bytes of the headers at the payload's beginning; 0 without. */
  headerSize = 0
  /** Bytes of headers and data. */
  totalSize = 0
  /** Holds the payload and the line end behind it. */
  payload: Buffer = EMPTY
  payloadStart = 0

  get hasReply(): boolean {
    return this.replyEnd > this.replyStart
  }

  subject(): string {
    return this.line.toString('latin1', this.subjectStart, this.subjectEnd)
  }

  reply(): string | undefined {
    return this.hasReply ? this.line.toString('latin1', this.replyStart, this.replyEnd) : undefined
  }

  /**
   * Reads the arguments of `PUB subject [reply] size` or `HPUB subject [reply] header-size total-size`.
   * Throws ProtocolViolation when their number or a size is wrong.
   */
  readArguments(line: Buffer, start: number, end: number, withHeaders: boolean): void {
    const count = splitInto(offsets, line, start, end)
    const sizes = withHeaders ? 2 : 1
    if (count !== sizes + 1 && count !== sizes + 2) throw malformed(withHeaders, 'wrong number of arguments')
    this.line = line
    this.subjectStart = at(0)
    this.subjectEnd = at(1)
    const hasReply = count === sizes + 2
    this.replyStart = hasReply ? at(2) : 0
    this.replyEnd = hasReply ? at(3) : 0
    this.totalSizeStart = at(2 * count - 2)
    this.totalSizeEnd = at(2 * count - 1)
    this.totalSize = parseSize(line, this.totalSizeStart, this.totalSizeEnd)
    this.headerSizeStart = withHeaders ? at(2 * count - 4) : 0
    this.headerSizeEnd = withHeaders ? at(2 * count - 3) : 0
    this.headerSize = withHeaders ? parseSize(line, this.headerSizeStart, this.headerSizeEnd) : 0
    if (this.totalSize < 0 || this.headerSize < 0) throw malformed(withHeaders, 'bad size')
    if (this.headerSize > this.totalSize) throw malformed(withHeaders, 'more headers than message')
  }
}

const EMPTY = Buffer.alloc(0)

/** Start and end of up to five arguments; shared by all parsers, since reading arguments is never interrupted. */
const offsets = new Int32Array(10)
const at = (index: number): number => offsets[index] as number

const SPACE = 0x20
const TAB = 0x09
const CR = 0x0d
const ZERO = 0x30

/** Digits of the largest size that is read; more would not fit any allowed payload. */
const MOST_SIZE_DIGITS = 9

/** Writes start and end of each argument to `into`; answers how many there are, counting no further than one too many. */
function splitInto(into: Int32Array, line: Buffer, start: number, end: number): number {
  let count = 0
  let inside = false
  for (let i = start; i < end; i++) {
    const byte = line[i]
    const isBlank = byte === SPACE || byte === TAB || byte === CR
    if (isBlank === !inside) continue
    if (inside) into[2 * count++ + 1] = i
    else if (2 * count === into.length) return count + 1
    else into[2 * count] = i
    inside = !inside
  }
  if (inside) into[2 * count++ + 1] = end
  return count
}

/** Answers -1 for what is not a decimal number of a sensible length. */
function parseSize(line: Buffer, start: number, end: number): number {
  if (end - start > MOST_SIZE_DIGITS) return -1
  let size = 0
  for (let i = start; i < end; i++) {
    const digit = (line[i] as number) - ZERO
    if (digit < 0 || digit > 9) return -1
    size = size * 10 + digit
  }
  return size
}

const malformed = (withHeaders: boolean, what: string) =>
  new ProtocolViolation(protocolErrors.parser, `${withHeaders ? 'HPUB' : 'PUB'}: ${what}`)

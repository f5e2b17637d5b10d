import type { Socket } from 'node:net'
import {
  FIRST_OUTPUT_BUFFER_IN_BYTES,
  LARGEST_OUTPUT_BUFFER_IN_BYTES,
  PAYLOAD_BY_REFERENCE_FROM_BYTES,
  STALL_FROM_FRACTION_PENDING,
} from './const.ts'
import type { Publication } from './publication.ts'

export interface OutboundLimits {
  readonly maxPendingInBytes: number
  readonly writeDeadlineInSeconds: number
}

/**
 * The bytes on their way to one client. They are gathered in one buffer, which goes to the socket when it is full or when `flush`
 * is called, once a turn of the event loop. As long as the kernel takes all of it at once, the buffer is used again and again.
 */
export class Outbound {
  readonly #socket: Socket
  readonly #limits: OutboundLimits
  /** Called once, when the client is too slow; nothing more is taken from then on. */
  readonly #onSlow: (reason: string) => void
  #buffer: Buffer | undefined
  #capacity = FIRST_OUTPUT_BUFFER_IN_BYTES
  #length = 0
  /** The kernel takes nothing more for now: what comes is gathered, and goes out when it takes again. */
  #blocked = false
  #progressed = false
  #deadline: NodeJS.Timeout | undefined
  #closed = false
  #congested = false

  constructor(socket: Socket, limits: OutboundLimits, onSlow: (reason: string) => void) {
    this.#socket = socket
    this.#limits = limits
    this.#onSlow = onSlow
  }

  /** So much is pending that who publishes to this client should wait a little. */
  get isCongested(): boolean {
    return this.#congested
  }

  appendText(text: string): void {
    if (this.#closed) return
    this.#reserve(text.length)
    this.#length += (this.#buffer as Buffer).write(text, this.#length, 'latin1')
  }

  /** Appends `MSG`, or `HMSG` when the message has headers and the client takes them; for one that doesn't they are left out. */
  appendMessage(publication: Publication, sid: Buffer, takesHeaders: boolean): void {
    if (this.#closed) return
    const { line, payload, headerSize, totalSize } = publication
    const withHeaders = takesHeaders && publication.headerSizeEnd > 0
    const skipped = takesHeaders ? 0 : headerSize
    const payloadStart = publication.payloadStart + skipped
    const payloadEnd = publication.payloadStart + totalSize + LINE_END_IN_BYTES
    const payloadLength = payloadEnd - payloadStart
    const isLarge = payloadLength >= PAYLOAD_BY_REFERENCE_FROM_BYTES
    this.#reserve(headLengthAtMost(publication, sid) + (isLarge ? 0 : payloadLength))

    if (this.#closed) return // making room has shown that the client is too slow

    const buffer = this.#buffer as Buffer
    let i = this.#length
    if (withHeaders) buffer[i++] = H
    buffer[i++] = M
    buffer[i++] = S
    buffer[i++] = G
    buffer[i++] = SPACE
    i = copy(line, publication.subjectStart, publication.subjectEnd, buffer, i)
    buffer[i++] = SPACE
    i = copy(sid, 0, sid.length, buffer, i)
    buffer[i++] = SPACE
    if (publication.replyEnd > publication.replyStart) {
      i = copy(line, publication.replyStart, publication.replyEnd, buffer, i)
      buffer[i++] = SPACE
    }
    if (withHeaders) {
      i = copy(line, publication.headerSizeStart, publication.headerSizeEnd, buffer, i)
      buffer[i++] = SPACE
    }
    if (skipped === 0) i = copy(line, publication.totalSizeStart, publication.totalSizeEnd, buffer, i)
    else i += buffer.write(String(totalSize - skipped), i, 'latin1')
    buffer[i++] = CR
    buffer[i++] = LF
    if (isLarge) {
      this.#length = i
      this.#writeWithPayload(payload.subarray(payloadStart, payloadEnd))
    } else {
      this.#length = copy(payload, payloadStart, payloadEnd, buffer, i)
    }
  }

  /** Hands what has been gathered to the socket, unless it is blocked. */
  flush(): void {
    if (this.#closed) return
    if (!this.#blocked) this.#writeBuffer()
    this.#noteState()
  }

  /** Hands everything over whatever the state, then takes nothing more: the connection is being closed. */
  finish(): void {
    if (this.#closed) return
    this.#writeBuffer()
    this.abandon()
  }

  /** Drops what has been gathered and takes nothing more. */
  abandon(): void {
    this.#closed = true
    this.#congested = false
    this.#buffer = undefined
    this.#length = 0
    clearInterval(this.#deadline)
  }

  /** Gives the buffer's memory back when nothing is in it: for a connection that has had nothing to say for a while. */
  releaseMemory(): void {
    if (this.#length > 0 || this.#capacity === FIRST_OUTPUT_BUFFER_IN_BYTES) return
    this.#buffer = undefined
    this.#capacity = FIRST_OUTPUT_BUFFER_IN_BYTES
  }

  /** Makes room behind `#length`: by growing, by sending, or for one message that is larger than any buffer by a larger one. */
  #reserve(size: number): void {
    const needed = this.#length + size
    if (needed <= this.#capacity) {
      this.#buffer ??= Buffer.allocUnsafeSlow(this.#capacity)
      return
    }
    if (needed > LARGEST_OUTPUT_BUFFER_IN_BYTES && this.#length > 0) {
      this.#writeBuffer()
      this.#noteState()
      if (!this.#closed) this.#reserve(size)
      return
    }
    while (this.#capacity < needed) this.#capacity *= 2
    const larger = Buffer.allocUnsafeSlow(this.#capacity)
    this.#buffer?.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }

  #writeWithPayload(payload: Buffer): void {
    this.#socket.cork() // one system call for both
    if (this.#length > 0 && this.#buffer) this.#socket.write(Buffer.from(this.#buffer.subarray(0, this.#length)))
    this.#length = 0
    this.#socket.write(payload, this.#onWritten)
    this.#socket.uncork()
    this.#noteState()
  }

  #writeBuffer(): void {
    if (this.#length === 0 || this.#buffer === undefined) return
    const bytes = this.#buffer.subarray(0, this.#length)
    this.#length = 0
    if (this.#socket.writableLength > 0) {
      this.#socket.write(Buffer.from(bytes), this.#onWritten) // it will wait there, and must keep no more memory than it has bytes
      return
    }
    this.#socket.write(bytes, this.#onWritten)
    // The kernel has taken all of it, or else the buffer belongs to the socket now.
    if (this.#socket.writableLength > 0) this.#buffer = undefined
  }

  #noteState(): void {
    if (this.#closed) return
    const inSocket = this.#socket.writableLength
    const pending = inSocket + this.#length
    if (pending > this.#limits.maxPendingInBytes) {
      this.abandon()
      this.#onSlow(`${pending} bytes pending`)
      return
    }
    this.#congested = pending > this.#limits.maxPendingInBytes * STALL_FROM_FRACTION_PENDING
    if (inSocket > 0 && !this.#blocked) this.#block()
  }

  #block(): void {
    this.#blocked = true
    this.#progressed = false
    const { writeDeadlineInSeconds } = this.#limits
    this.#deadline = setInterval(() => {
      if (!this.#progressed) {
        this.abandon()
        this.#onSlow(`nothing taken in ${writeDeadlineInSeconds} s`)
      }
      this.#progressed = false
    }, writeDeadlineInSeconds * 1000).unref()
  }

  /** A write has been taken by the kernel. An error is the socket's own event. */
  readonly #onWritten = (): void => {
    this.#progressed = true
    if (!this.#blocked || this.#closed) return
    this.#noteState()
    if (this.#socket.writableLength > 0) return
    this.#blocked = false
    clearInterval(this.#deadline)
    this.flush()
  }
}

const LINE_END_IN_BYTES = 2
const H = 0x48
const M = 0x4d
const S = 0x53
const G = 0x47
const SPACE = 0x20
const CR = 0x0d
const LF = 0x0a

/** `HMSG`, five blanks, the line end and the decimal digits of a size that is computed here. */
const FIXED_HEAD_IN_BYTES = 24

/** All arguments that may be repeated lie in the line the client sent; counted one by one because the line may be a whole chunk. */
const headLengthAtMost = (p: Publication, sid: Buffer): number =>
  FIXED_HEAD_IN_BYTES +
  sid.length +
  (p.subjectEnd - p.subjectStart) +
  (p.replyEnd - p.replyStart) +
  (p.headerSizeEnd - p.headerSizeStart) +
  (p.totalSizeEnd - p.totalSizeStart)

/** Bytes up to which a loop is faster than a call into the runtime. */
const COPY_BY_LOOP_UP_TO_BYTES = 48

/** Answers the place behind what was copied. */
function copy(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const length = end - start
  if (length > COPY_BY_LOOP_UP_TO_BYTES) {
    source.copy(target, at, start, end)
  } else {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
  }
  return at + length
}

import { isUtf8 } from 'node:buffer'

/** Longest line that one envelope carries (executor depot/log_streamer/stream_destination.go). */
export const maxLineInBytes = 61_440

const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * Cuts a byte stream into log lines as Diego's executor does: a line feed or a carriage return ends a line, empty lines
 * are left out, a line over `maxLineInBytes` is cut between two characters. Bytes that are no UTF-8 become U+FFFD.
 */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0)
  readonly #line: (line: string) => void

  constructor(line: (line: string) => void) {
    this.#line = line
  }

  push(chunk: Uint8Array): void {
    let rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : Buffer.from(chunk)
    let start = 0
    for (let at = this.#rest.length; at < rest.length; at++) {
      const byte = rest[at]
      if (byte !== lineFeed && byte !== carriageReturn) continue
      this.#emit(rest.subarray(start, at))
      start = at + 1
    }
    rest = rest.subarray(start)
    while (rest.length >= maxLineInBytes) {
      const cut = endOfCharacters(rest, maxLineInBytes)
      this.#emit(rest.subarray(0, cut))
      rest = rest.subarray(cut)
    }
    this.#rest = rest
  }

  /** Emits what stands after the last line end. */
  end(): void {
    this.#emit(this.#rest)
    this.#rest = Buffer.alloc(0)
  }

  #emit(line: Buffer): void {
    let left = line
    while (left.length > 0) {
      const cut = left.length > maxLineInBytes ? endOfCharacters(left, maxLineInBytes) : left.length
      const part = left.subarray(0, cut)
      this.#line(isUtf8(part) ? part.toString('utf8') : new TextDecoder().decode(part))
      left = left.subarray(cut)
    }
  }
}

/** The greatest length up to `limit` that does not cut a UTF-8 character; `limit` itself if the bytes are no UTF-8. */
function endOfCharacters(bytes: Buffer, limit: number): number {
  for (let back = 0; back < 4; back++) {
    const byte = bytes[limit - back]
    if (byte === undefined) return limit
    if ((byte & 0b1100_0000) !== 0b1000_0000) return limit - back
  }
  return limit
}

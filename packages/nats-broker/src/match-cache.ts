import { MATCH_CACHE_LONGEST_SUBJECT_IN_BYTES, MATCH_CACHE_SLOTS } from './const.ts'
import { hasWildcard } from './subject.ts'
import { type Entry, type Match, Sublist } from './sublist.ts'

interface Slot<E extends Entry> {
  readonly subject: Uint8Array
  readonly match: Match<E>
}

/**
 * The subject tree behind a cache whose keys are the subject's bytes as they stand in the received chunk: a message to a subject that
 * was used before is matched without making a string. One slot a hash, and a later subject takes the slot of an earlier one,
 * so that ever new subjects (reply inboxes) can't make it grow.
 */
export class CachedSublist<E extends Entry> {
  readonly #tree = new Sublist<E>()
  readonly #slots: (Slot<E> | undefined)[] = new Array<undefined>(MATCH_CACHE_SLOTS).fill(undefined)

  get size(): number {
    return this.#tree.size
  }

  insert(entry: E): void {
    this.#tree.insert(entry)
    this.#forget(entry.subject)
  }

  remove(entry: E): boolean {
    const removed = this.#tree.remove(entry)
    if (removed) this.#forget(entry.subject)
    return removed
  }

  /** Who gets what is published to the subject that stands in `bytes` from `start` to before `end`. */
  match(bytes: Buffer, start: number, end: number): Match<E> {
    let hash = FNV_OFFSET
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME)
    const index = slotOf(hash)
    const slot = this.#slots[index]
    if (slot && isSame(slot.subject, bytes, start, end)) return slot.match
    const match = this.#tree.match(bytes.toString('latin1', start, end))
    if (end - start <= MATCH_CACHE_LONGEST_SUBJECT_IN_BYTES)
      this.#slots[index] = { subject: Uint8Array.prototype.slice.call(bytes, start, end), match }
    return match
  }

  /** A literal subject can only have changed its own answer, a wildcard any. */
  #forget(subject: string): void {
    if (hasWildcard(subject)) {
      this.#slots.fill(undefined)
      return
    }
    let hash = FNV_OFFSET
    for (let i = 0; i < subject.length; i++) hash = Math.imul(hash ^ subject.charCodeAt(i), FNV_PRIME)
    this.#slots[slotOf(hash)] = undefined
  }
}

/** FNV-1a, 32 bits: short inputs, no table. The high bits are folded in because only the low ones choose the slot. */
const FNV_OFFSET = 0x811c9dc5 | 0
const FNV_PRIME = 0x01000193
const slotOf = (hash: number) => (hash ^ (hash >>> 15)) & (MATCH_CACHE_SLOTS - 1)

function isSame(subject: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  if (subject.length !== end - start) return false
  for (let i = 0; i < subject.length; i++) if (subject[i] !== bytes[start + i]) return false
  return true
}

import type { Connection } from './connection.ts'
import type { Entry } from './sublist.ts'

/** One SUB of one connection. */
export interface Subscription extends Entry {
  readonly connection: Connection
  /** The client's own name for it, which stands in every MSG, as text and as bytes. */
  readonly sid: string
  readonly sidBytes: Buffer
  /** Messages delivered so far. */
  delivered: number
  /** Messages after which it ends by itself (UNSUB with a maximum). */
  max: number | undefined
  /** It may still stand in a match that is being walked. */
  ended: boolean
}

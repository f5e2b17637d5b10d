import type { Context } from 'hono'
import type { Logger } from 'pino'
import type { Blobstore } from '../blobstore/blobstore.ts'
import type { Bus } from '../bus/bus.ts'
import type { Settings } from '../config.ts'
import type { Db } from '../db/schema.ts'
import type { Caller } from '../permissions/caller.ts'
import type { UserDirectory } from '../uaa/user-directory.ts'

/** What a request or job thread has for as long as it lives. */
export interface ThreadServices {
  readonly db: Db
  readonly settings: Settings
  readonly bus: Bus
  readonly blobstore: Blobstore
  readonly userDirectory: UserDirectory
  readonly logger: Logger
}

/** A body that the reactor put into a file or kept in memory (see @vcap/reactor ThreadRequest). */
export interface IncomingRequest {
  readonly id: string
  readonly remoteAddress?: string
  /** When the head had arrived, before the body did: milliseconds since the epoch. */
  readonly receivedAt?: number
  readonly body: null | Uint8Array | { readonly file: string; readonly sizeInBytes: number }
}

/** Hono's environment of every handler: `c.var.db`, `c.var.caller`, … */
export interface WorkerEnv {
  Bindings: { request?: IncomingRequest }
  Variables: ThreadServices & { caller: Caller; requestId: string }
}

/** A request as handlers pass it on: whatever the middleware of their route has added to `c.var`. */
export type RequestContext = Omit<Context<WorkerEnv>, 'set'>

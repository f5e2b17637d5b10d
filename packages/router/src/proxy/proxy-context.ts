import type { Logger } from 'pino'
import type { AccessLog } from '../access-log/access-log.ts'
import type { RouterConfig } from '../config.ts'
import type { RouteTable } from '../routes/route-table.ts'
import type { BackendConnections } from './backend-connections.ts'
import type { RequestCounters } from './request-counters.ts'

/** What every request needs. */
export interface ProxyContext {
  readonly config: RouterConfig
  readonly routes: RouteTable
  readonly backends: BackendConnections
  readonly accessLog: AccessLog
  readonly counters: RequestCounters
  readonly logger: Logger
  /** Before the route table is filled. */
  isStarting: boolean
  /** The router is about to stop: connections end with their current request. */
  isDraining: boolean
}

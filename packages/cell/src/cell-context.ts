import type { Logger } from 'pino'
import type { Capacity } from './capacity.ts'
import type { CellConfig } from './config.ts'
import type { PortPool } from './instances/port-pool.ts'
import type { LastWill } from './last-will.ts'
import type { LogPublisher } from './logs/log-publisher.ts'
import type { ProcessTable } from './processes/process-table.ts'
import type { ResourceMonitor } from './processes/resource-monitor.ts'
import type { AppUser } from './run-as.ts'
import type { DropletCache } from './transfer/droplet-cache.ts'
import type { CellDirectories } from './work-directory.ts'

/** What instances and staging tasks share of their cell. */
export interface CellContext {
  readonly cellId: string
  readonly config: CellConfig
  readonly logger: Logger
  readonly directories: CellDirectories
  readonly user: AppUser | undefined
  /** PATH of apps and buildpacks. */
  readonly path: string
  readonly capacity: Capacity
  readonly ports: PortPool
  readonly will: LastWill
  readonly publisher: LogPublisher
  readonly table: ProcessTable
  readonly monitor: ResourceMonitor
  readonly droplets: DropletCache
}

import type { RunningComponent } from '@vcap/protocol'
import type { Logger } from 'pino'
import type { LoadedConfig } from './config/load.ts'
import type { PortName } from './config/schema.ts'
import type { DataDirectory } from './data-directory/data-directory.ts'
import type { Secrets } from './data-directory/secrets.ts'

/** What the configuration of every component of one system is made from. All ports are settled. */
export interface SystemPlan {
  config: LoadedConfig
  directory: DataDirectory
  secrets: Secrets
}

/** A port that a component listens on. */
export interface ListeningPort {
  name: PortName
  /** For a message: "the Cloud Controller's API". */
  purpose: string
}

/** What a package gives us: the check of its configuration, and its start. */
export interface ComponentProgram {
  /** Returns the faults of a configuration, one a line, each led by its key; or undefined. */
  validate(config: unknown): string | undefined
  start(config: unknown, options: { logger: Logger }): Promise<RunningComponent>
}

/** One row of the table of components. */
export interface ComponentDefinition {
  /** The name of its command, its log and its settings. */
  name: string
  /** For `vcap --help` and the screen. */
  title: string
  /** Imports the component's package, and only that. */
  load(): Promise<ComponentProgram>
  /** Its configuration in this system, or undefined where something outside takes its place. */
  configFor(plan: SystemPlan): Record<string, unknown> | undefined
  /** Lists in it to which the user's settings add. Any other value of the user takes the place of ours. */
  listsToAddTo?: readonly string[]
  ports: readonly ListeningPort[]
  /** Components of the lowest wave stop first, together; then those of the next. */
  stopWave: number
  /** How long a stop may take before the process is killed. */
  stopLimitInMs: number
}

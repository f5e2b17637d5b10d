import { rm } from 'node:fs/promises'
import type { ComponentDefinition, SystemPlan } from '../component-definition.ts'
import type { LoadedConfig } from '../config/load.ts'
import { openDataDirectory } from '../data-directory/data-directory.ts'
import { type DataDirectoryLock, lockDataDirectory } from '../data-directory/lock.ts'
import { loadSecrets } from '../data-directory/secrets.ts'
import { endLeftovers } from '../supervisor/leftovers.ts'
import { Supervisor, type SupervisorEvents } from '../supervisor/supervisor.ts'
import { publicUrl } from '../system-addresses.ts'
import { settlePorts } from './settle-ports.ts'

export interface SystemOptions {
  config: LoadedConfig
  components: readonly ComponentDefinition[]
  entryFile: string
  events: SupervisorEvents
  /** Told what takes time before anything starts. */
  say: (text: string) => void
}

/** A whole Cloud Foundry on this machine, its data directory locked. */
export interface System {
  readonly plan: SystemPlan
  /** Resolves when every component is ready. Throws StartError; the system is then still to be stopped. */
  start(): Promise<void>
  /** Stops all components in order, and frees the data directory. */
  stop(): Promise<void>
  /** Ends all components at once; `stop` is then quick. */
  kill(): void
}

/**
 * Makes everything ready for a start: takes the data directory's lock, ends what a killed run left there, settles the ports, reads or
 * makes the secrets. Starts nothing. Throws UserError for what the user can mend, and has then changed nothing that counts.
 */
export async function prepareSystem(options: SystemOptions): Promise<System> {
  const { components } = options
  const directory = await openDataDirectory(options.config.dataDirectory)
  const lock = lockDataDirectory(directory)
  try {
    await endLeftovers(directory, components, options.say)
    const config = await settlePorts(options.config, components)
    const plan: SystemPlan = { config, directory, secrets: await loadSecrets(directory) }
    await lock.describe(publicUrl(config, 'api'))
    const supervisor = new Supervisor({ plan, components, entryFile: options.entryFile, events: options.events })
    return {
      plan,
      start: () => supervisor.start(),
      kill: () => supervisor.kill(),
      async stop() {
        await supervisor.stop()
        await free(lock, directory.ownerFile)
      },
    }
  } catch (error) {
    await free(lock, directory.ownerFile)
    throw error
  }
}

async function free(lock: DataDirectoryLock, ownerFile: string): Promise<void> {
  await rm(ownerFile, { force: true })
  lock.release()
}

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ComponentDefinition,
  componentConfig,
  components,
  loadSecrets,
  openDataDirectory,
  type SystemPlan,
} from '@vcap/cli'
import type { RunningComponent } from '@vcap/protocol'
import pino from 'pino'
import { CloudFoundry } from './cloud-foundry.ts'
import { endLeftProcesses } from './processes.ts'
import { type SystemOptions, testConfig } from './system-config.ts'

/** A whole Cloud Foundry in the process of the test. */
export interface RunningCloudFoundry extends CloudFoundry {
  /** Stops all components in the order of `vcap up`. Throws when a process of an app or a build is left. May be called once. */
  stop(): Promise<void>
}

/**
 * Starts all components in this process, on free ports in a temporary directory, configured as `vcap up` does. What they log goes to
 * files in the data directory, which is removed at the stop unless VCAP_TEST_KEEP is set.
 */
export async function startCloudFoundry(options: SystemOptions = {}): Promise<RunningCloudFoundry> {
  const { config, release } = await testConfig(options)
  const directory = await openDataDirectory(config.dataDirectory)
  const plan: SystemPlan = { config, directory, secrets: await loadSecrets(directory) }
  const running = new Map<ComponentDefinition, RunningComponent>()
  const started = await Promise.allSettled(
    components.map(async (definition) => {
      const component = await startComponent(definition, plan)
      if (component) running.set(definition, component)
    }),
  )

  async function stop(): Promise<void> {
    for (const [, wave] of [...Map.groupBy(running, ([{ stopWave }]) => stopWave)].sort(([a], [b]) => a - b))
      await Promise.all(wave.map(([, component]) => component.stop()))
    await release()
    endLeftProcesses(config.dataDirectory)
    if (process.env.VCAP_TEST_KEEP === undefined) await rm(config.dataDirectory, { recursive: true })
  }

  const failures = started.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (failures.length > 0) {
    await stop()
    throw new AggregateError(failures, 'the system did not start')
  }
  return Object.assign(new CloudFoundry(config), { stop })
}

async function startComponent(
  definition: ComponentDefinition,
  plan: SystemPlan,
): Promise<RunningComponent | undefined> {
  const { logLevel, ...config } = componentConfig(definition, plan) ?? { logLevel: undefined }
  if (logLevel === undefined) return undefined
  const program = await definition.load()
  const faults = program.validate(config)
  if (faults !== undefined) throw new Error(`the configuration of ${definition.name} is not valid:\n${faults}`)
  const file = join(plan.directory.logs, `${definition.name}.log`)
  const logger = pino({ name: definition.name, level: String(logLevel) }, pino.destination({ dest: file, sync: true }))
  return await program.start(config, { logger })
}

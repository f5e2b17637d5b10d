import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ComponentDefinition, SystemPlan } from '../component-definition.ts'
import { isMapping } from '../config/mapping.ts'
import { pidFile } from './leftovers.ts'
import { LogFile } from './log-file.ts'
import { levels, parseLogLine } from './log-line.ts'
import { type ComponentState, SupervisedComponent } from './supervised-component.ts'

/** What a supervisor tells while it works. */
export interface SupervisorEvents {
  componentChanged(component: ComponentDefinition, state: ComponentState): void
  /** A line of a component's log, as a person reads it. */
  logged(component: ComponentDefinition, level: number, text: string): void
}

export interface SupervisorOptions {
  plan: SystemPlan
  components: readonly ComponentDefinition[]
  /** The program that runs a component: `node <entryFile> <component> --config FILE`. */
  entryFile: string
  events: SupervisorEvents
}

const readLogsEveryInMs = 200

/** Starts the components of one system, starts again what dies, and stops all. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #components: SupervisedComponent[] = []
  readonly #logs = new Map<ComponentDefinition, LogFile>()
  /** Those whose logs could not be read or moved the last time. */
  readonly #withoutLog = new Set<ComponentDefinition>()
  #logTimer: NodeJS.Timeout | undefined
  #readingLogs: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Starts every component that this system has, all at once; resolves when all are ready. Throws StartError. */
  async start(): Promise<void> {
    const { plan, entryFile, events } = this.#options
    await Promise.all(
      this.#options.components.map(async (definition) => {
        const config = componentConfig(definition, plan)
        if (!config) return
        const configFile = join(plan.directory.run, `${definition.name}.json`)
        writeFileSync(configFile, JSON.stringify(config, null, 2), { mode: 0o600 })
        const log = await LogFile.open(join(plan.directory.logs, `${definition.name}.log`))
        this.#logs.set(definition, log)
        if (this.#stopped) return
        const component = new SupervisedComponent({
          definition,
          arguments: [entryFile, definition.name, '--config', configFile],
          environment: process.env,
          log,
          pidFile: pidFile(plan.directory, definition.name),
          changed: (state) => events.componentChanged(definition, state),
          warned: (text) => events.logged(definition, levels.warn, text),
        })
        this.#components.push(component)
        component.start()
      }),
    )
    this.#logTimer = setInterval(() => this.#readLogs(), readLogsEveryInMs)
    await Promise.all(this.#components.map((component) => component.firstReady))
  }

  /** Stops everything, wave by wave, and resolves when no process is left. May be called twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** Ends everything at once. `stop` then resolves soon. */
  kill(): void {
    for (const component of this.#components) component.kill()
  }

  async #stop(): Promise<void> {
    const waves = [...new Set(this.#components.map(({ definition }) => definition.stopWave))].sort((a, b) => a - b)
    for (const wave of waves) {
      const members = this.#components.filter(({ definition }) => definition.stopWave === wave)
      await Promise.all(members.map((component) => component.stop()))
    }
    clearInterval(this.#logTimer)
    this.#readLogs()
    await this.#readingLogs
    await Promise.all([...this.#logs.values()].map((log) => log.close()))
  }

  /** One reading after the other, so that lines keep their order. */
  #readLogs(): void {
    this.#readingLogs = this.#readingLogs.then(async () => {
      for (const [definition, log] of this.#logs) {
        for (const line of await this.#newLines(definition, log)) {
          const { level, text } = parseLogLine(line)
          this.#options.events.logged(definition, level, text)
        }
      }
    })
  }

  /** A log that can't be read, or moved on a full disk, is told of once. The components go on without. */
  async #newLines(definition: ComponentDefinition, log: LogFile): Promise<string[]> {
    try {
      const lines = await log.newLines()
      this.#withoutLog.delete(definition)
      return lines
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (!this.#withoutLog.has(definition))
        this.#options.events.logged(definition, levels.warn, `its log can't be read or moved: ${why}`)
      this.#withoutLog.add(definition)
      return []
    }
  }
}

/** A component's configuration: what the system's plan says, and over it the user's own settings for that component. */
export function componentConfig(
  definition: ComponentDefinition,
  plan: SystemPlan,
): Record<string, unknown> | undefined {
  const planned = definition.configFor(plan)
  if (!planned) return undefined
  const settings: Record<string, Record<string, unknown> | undefined> = plan.config.components
  const own = settings[definition.name] ?? {}
  const merged = mergeSettings(planned, own)
  for (const key of definition.listsToAddTo ?? []) {
    const [ours, theirs] = [planned[key], own[key]]
    // What is no list is named by the component's own check.
    if (Array.isArray(ours) && Array.isArray(theirs)) merged[key] = [...ours, ...theirs]
  }
  return { logLevel: plan.config.logLevel, ...merged }
}

/** What `over` says, and where it says nothing, what `base` says. */
export function mergeSettings(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    merged[key] = isMapping(below) && isMapping(value) ? mergeSettings(below, value) : value
  }
  return merged
}

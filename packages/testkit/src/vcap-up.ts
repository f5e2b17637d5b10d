import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LoadedConfig } from '@vcap/cli'
import { z } from 'zod'
import { CloudFoundry } from './cloud-foundry.ts'
import { eventually } from './eventually.ts'
import { endLeftProcesses } from './processes.ts'
import { type SystemOptions, testConfig } from './system-config.ts'

const program = fileURLToPath(import.meta.resolve('@vcap/cli/program'))
const PidFile = z.object({ pid: z.number().int().positive() })

export type ComponentName = 'nats' | 'uaa' | 'log-cache' | 'router' | 'controller' | 'cell'

/** A `vcap up` on free ports in a temporary directory: every component is a process of its own, which a test may kill. */
export class VcapUp extends CloudFoundry {
  readonly #release: () => Promise<void>
  #child: ChildProcess | undefined
  #stopped: Promise<void> | undefined
  #output = ''

  private constructor(config: LoadedConfig, release: () => Promise<void>) {
    super(config)
    this.#release = release
  }

  /** Starts it and waits until everything is ready. */
  static async start(options: SystemOptions = {}): Promise<VcapUp> {
    const { config, release } = await testConfig(options)
    const system = new VcapUp(config, release)
    const { ports, components, nats } = config
    await writeFile(system.#configFile, JSON.stringify({ ports, components, ...(nats && { nats }) }))
    try {
      await system.startAgain()
    } catch (error) {
      await system.stop()
      throw error
    }
    return system
  }

  get #configFile(): string {
    return join(this.config.dataDirectory, 'vcap.json')
  }

  /** Everything that `vcap up` has printed in this life. */
  get output(): string {
    return this.#output
  }

  /** A new `vcap up` on the same data directory and the same ports, after `killEverything`. */
  async startAgain(): Promise<void> {
    this.#output = ''
    const { dataDirectory } = this.config
    const child = spawn(process.execPath, [program, 'up', '--config', this.#configFile, '--data-dir', dataDirectory], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, VCAP_CONFIG: undefined, VCAP_DATA_DIR: undefined },
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    await eventually(
      'Cloud Foundry to be up',
      () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`vcap up ended:\n${this.#output}`)
        return this.#output.includes('Cloud Foundry is up')
      },
      120_000,
    )
  }

  /** The process number of a component in its present life. */
  pidOf(component: ComponentName): number {
    const file = join(this.config.dataDirectory, 'run', `${component}.pid.json`)
    return PidFile.parse(JSON.parse(readFileSync(file, 'utf8'))).pid
  }

  /** `kill -9` of one component. */
  kill(component: ComponentName): void {
    process.kill(this.pidOf(component), 'SIGKILL')
  }

  /** Waits until `vcap up` has started a component again that had this process number, and it is ready. */
  async hasRestarted(component: ComponentName, oldPid: number): Promise<void> {
    await eventually(`another ${component}`, () => this.pidOf(component) !== oldPid)
    const ready = new RegExp(`↻ ${component} [^]*✔ ${component} +ready(?![^]*↻ ${component} )`)
    await eventually(`${component} to be ready again`, () => ready.test(this.#output))
  }

  /**
   * `kill -9` of `vcap up` and every component at the same moment, so that none can do anything about the death of another. The apps
   * are not killed: nobody is left to end them.
   */
  async killEverything(components: readonly ComponentName[]): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) throw new Error('vcap up does not run')
    const pids = components.map((component) => this.pidOf(component))
    process.kill(child.pid, 'SIGSTOP')
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    process.kill(child.pid, 'SIGKILL')
    await this.#hasEnded(child, 60_000)
  }

  /** SIGTERM; throws when it does not end by itself with 0, or leaves a process. May be called twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const child = this.#child
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await this.#hasEnded(child, 120_000)
      if (child.exitCode !== 0) throw new Error(`vcap up ended with ${child.exitCode}:\n${this.#output}`)
    }
    await this.#release()
    endLeftProcesses(this.config.dataDirectory)
    if (process.env.VCAP_TEST_KEEP === undefined) await rm(this.config.dataDirectory, { recursive: true })
  }

  async #hasEnded(child: ChildProcess, limitInMs: number): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const late = Symbol('late')
    if ((await Promise.race([ended, delay(limitInMs, late, { ref: false })])) !== late) return
    child.kill('SIGKILL')
    throw new Error(`vcap up did not end within ${limitInMs / 1000} s:\n${this.#output}`)
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import type { ComponentDefinition } from '../component-definition.ts'
import { ComponentMessage } from '../ipc.ts'
import { identify } from '../system/process-identity.ts'
import { killTree } from '../system/process-tree.ts'
import { BackOff } from './back-off.ts'
import type { LogFile } from './log-file.ts'

export type ComponentState =
  | { phase: 'starting' }
  | { phase: 'ready'; addresses: Readonly<Record<string, string>>; tookInMs: number }
  | { phase: 'died'; why: string; restartInMs: number }
  /** It did not become ready at all, and nobody tries again. */
  | { phase: 'failed'; why: string }
  | { phase: 'stopping' }
  | { phase: 'stopped'; killed: boolean }

export type StartFailure = Extract<ComponentMessage, { type: 'failed' }>

/** Before a component was ready for the first time, so many deaths end the whole start. */
const startAttempts = 3

export interface SupervisedOptions {
  definition: ComponentDefinition
  /** Node's arguments of the process. */
  arguments: readonly string[]
  environment: NodeJS.ProcessEnv
  log: LogFile
  pidFile: string
  changed: (state: ComponentState) => void
  /** Hears of faults of this machine that nothing ends for. */
  warned: (text: string) => void
}

/** One component: its process, and the next process when that dies. */
export class SupervisedComponent {
  readonly definition: ComponentDefinition
  /** Settles when the component is ready for the first time, or will not be; rejects with a StartError. */
  readonly firstReady: Promise<void>
  readonly #options: SupervisedOptions
  readonly #backOff = new BackOff()
  readonly #first = Promise.withResolvers<void>()
  #child: ChildProcess | undefined
  #restartTimer: NodeJS.Timeout | undefined
  #wasReady = false
  #stopping = false
  #killed = false

  constructor(options: SupervisedOptions) {
    this.definition = options.definition
    this.#options = options
    this.firstReady = this.#first.promise
    // Whoever waits for it gets the error; when the start is given up for another component's sake, nobody does.
    this.firstReady.catch(() => {})
  }

  start(): void {
    this.#options.changed({ phase: 'starting' })
    const startedAt = performance.now()
    const { log } = this.#options
    const child = spawn(process.execPath, this.#options.arguments, {
      stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
      env: this.#options.environment,
    })
    this.#child = child
    this.#rememberPid(child)
    let failure: StartFailure | undefined
    let readyAt: number | undefined
    let ended = false
    child.on('message', (raw) => {
      const message = ComponentMessage.parse(raw)
      if (message.type === 'failed') failure = message
      if (message.type !== 'ready' || this.#stopping) return
      readyAt = performance.now()
      this.#wasReady = true
      this.#options.changed({ phase: 'ready', addresses: message.addresses, tookInMs: readyAt - startedAt })
      this.#first.resolve()
    })
    const end = (why: string) => {
      if (ended) return
      ended = true
      this.#died(why, readyAt === undefined ? 0 : performance.now() - readyAt, failure)
    }
    child.on('error', (error) => child.pid === undefined && end(error.message))
    child.on('exit', (code, signal) => end(signal ? `killed by ${signal}` : `ended with exit code ${code}`))
  }

  /** Asks the process to stop, and kills it and all it started when it takes longer than it may. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restartTimer)
    const child = this.#child
    if (child) {
      this.#options.changed({ phase: 'stopping' })
      const timer = setTimeout(() => this.kill(), this.definition.stopLimitInMs)
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
      clearTimeout(timer)
    }
    this.#first.reject(new StartError(this.definition.name, undefined, 'was stopped'))
    this.#options.changed({ phase: 'stopped', killed: this.#killed })
  }

  /** Ends the process and all it started, at once. */
  kill(): void {
    this.#stopping = true
    clearTimeout(this.#restartTimer)
    if (this.#child?.pid === undefined) return
    this.#killed = true
    killTree(this.#child.pid)
  }

  #died(why: string, ranForInMs: number, failure: StartFailure | undefined): void {
    this.#child = undefined
    rmSync(this.#options.pidFile, { force: true })
    if (this.#stopping) return
    const restartInMs = this.#backOff.next(ranForInMs)
    const hopeless = failure !== undefined && failure.kind !== 'other'
    if (!this.#wasReady && (hopeless || this.#backOff.deaths >= startAttempts)) {
      this.#stopping = true
      this.#options.changed({ phase: 'failed', why })
      this.#first.reject(new StartError(this.definition.name, failure, why))
      return
    }
    const reason = failure ? `${why}: ${failure.message}` : why
    this.#options.changed({ phase: 'died', why: reason, restartInMs })
    this.#restartTimer = setTimeout(() => this.start(), restartInMs)
  }

  /** On a full disk it can't be written. The component is worth more than the note, which only a `vcap up` after a kill would read. */
  #rememberPid(child: ChildProcess): void {
    const identity = child.pid === undefined ? undefined : identify(child.pid)
    if (!identity) return
    try {
      writeFileSync(this.#options.pidFile, JSON.stringify(identity), { mode: 0o600 })
    } catch (error) {
      this.#options.warned(
        `its process number can't be written down: ${error instanceof Error ? error.message : error}`,
      )
    }
  }
}

/** A component that did not become ready. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly component: string
  /** What the component said itself, if it could. */
  readonly failure: StartFailure | undefined

  constructor(component: string, failure: StartFailure | undefined, why: string) {
    super(failure ? failure.message : `${component} ${why}`)
    this.component = component
    this.failure = failure
  }
}

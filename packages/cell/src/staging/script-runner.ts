import type { CellContext } from '../cell-context.ts'
import { removeRecord, writeRecord } from '../instances/instance-records.ts'
import type { WriteLine } from '../logs/log-publisher.ts'
import { ProcessFamily } from '../processes/process-family.ts'
import { startProcess } from '../processes/supervised-process.ts'
import { builderFailed } from './staging-failure.ts'

/** Whoever a script leaves in the background may hold its output open; its last lines are waited for this long. */
const drainTimeoutInMs = 1_000
/** What detect and release print is kept whole. */
const maxCapturedInBytes = 1024 ** 2

export interface ScriptResult {
  readonly exitStatus: number
  /** Stdout, when it was captured. */
  readonly output: string
}

/** Runs a staging task's programs, one after the other, as the apps' user, and ends them with the task. */
export class ScriptRunner {
  readonly family: ProcessFamily
  readonly #context: CellContext
  readonly #directory: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #write: WriteLine
  readonly #signal: AbortSignal
  #exceeded: 'memory' | 'disk' | undefined

  constructor(
    context: CellContext,
    guid: string,
    directory: string,
    environment: Readonly<Record<string, string>>,
    write: WriteLine,
    signal: AbortSignal,
  ) {
    this.#context = context
    this.family = new ProcessFamily(context.table, guid)
    this.#directory = directory
    this.#environment = environment
    this.#write = write
    this.#signal = signal
  }

  /** Makes the record by which the next life of the cell would find what this one left behind. */
  async open(limits: { memoryInMb: number; diskInMb: number }): Promise<void> {
    await this.#record([])
    this.#context.monitor.watch({
      family: this.family,
      directory: this.#directory,
      memoryLimitInBytes: limits.memoryInMb * 1024 ** 2,
      diskLimitInBytes: limits.diskInMb * 1024 ** 2,
      exceeded: (resource) => {
        this.#exceeded = resource
        this.#killSoon()
      },
    })
    this.#signal.addEventListener('abort', () => this.#killSoon(), { once: true })
  }

  /**
   * Runs a program to its end. Its lines go to the staging log, but for stdout if that is captured. Throws the reason of an
   * abort, and a StagingFailure when it can't be started or was killed for its use of memory or disk.
   */
  async run(
    file: string,
    args: readonly string[],
    options: { cwd: string; capture?: boolean; environment?: Record<string, string> },
  ): Promise<ScriptResult> {
    this.#signal.throwIfAborted()
    const captured: Buffer[] = []
    let capturedInBytes = 0
    const process = await startProcess({
      file,
      args,
      cwd: options.cwd,
      environment: { ...this.#environment, ...options.environment },
      user: this.#context.user,
      pipeDirectory: this.#context.directories.pipes,
      write: this.#write,
      ...(options.capture && {
        captureOutput: (chunk) => {
          capturedInBytes += chunk.length
          if (capturedInBytes <= maxCapturedInBytes) captured.push(chunk)
        },
      }),
    })
    this.family.addLeader(process.pid)
    const entry = await this.#context.table.find(process.pid)
    await this.#record(entry ? [{ pid: entry.pid, startTime: entry.startTime }] : [])
    if (this.#signal.aborted) this.#killSoon()
    const exitStatus = await process.exited
    await process.drain(drainTimeoutInMs)
    this.#signal.throwIfAborted()
    if (this.#exceeded) {
      const why = this.#exceeded === 'memory' ? 'out of memory' : 'disk quota exceeded'
      throw builderFailed(`Exited with status ${exitStatus} (${why})`, undefined, exitStatus)
    }
    return { exitStatus, output: Buffer.concat(captured).toString('utf8') }
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    await this.family.kill()
    this.#context.monitor.unwatch(this.family.guid)
  }

  async forget(): Promise<void> {
    await removeRecord(this.#context.directories.records, this.family.guid)
  }

  #killSoon(): void {
    this.family.kill().catch((error: unknown) => {
      this.#context.logger.error({ err: error, staging: this.family.guid }, 'could not kill a staging task')
    })
  }

  async #record(leaders: { pid: number; startTime: string }[]): Promise<void> {
    const { directories, table } = this.#context
    await writeRecord(directories.records, {
      guid: this.family.guid,
      directory: this.#directory,
      bootId: table.bootId,
      leaders,
    })
  }
}

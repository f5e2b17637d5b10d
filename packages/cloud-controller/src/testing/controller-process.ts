import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** The program that operators start. */
const program = join(import.meta.dirname, '../../../cli/src/vcap.ts')
const startsWithinInMilliseconds = 60_000
const mebibyteInKib = 1024

/** A whole Cloud Controller, started as operators do: `vcap controller --config FILE`. */
export class ControllerProcess {
  readonly url: string
  /** Where its metrics are, if its configuration asks for them. */
  readonly metricsUrl: string | undefined
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #output: readonly string[]

  private constructor(child: ChildProcess, [url = '', metricsUrl]: string[], output: readonly string[]) {
    this.#child = child
    this.url = url
    this.metricsUrl = metricsUrl
    this.#output = output
    this.#exited = once(child, 'exit')
  }

  /** Ended by force after the test, if it still runs. Throws what it wrote when it does not start. */
  static async start(t: TestContext, directory: string, config: Record<string, unknown>): Promise<ControllerProcess> {
    const file = join(directory, `controller-${config.port}.json`)
    writeFileSync(file, JSON.stringify(config))
    const child = spawn(process.execPath, [program, 'controller', '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.after(() => child.kill('SIGKILL'))
    const output: string[] = []
    const ready = Promise.withResolvers<string[]>()
    const note = (bytes: Buffer): void => {
      output.push(bytes.toString())
      const urls = /controller is ready (.+)\n/.exec(output.join(''))?.[1]
      if (urls !== undefined) ready.resolve(urls.split(' '))
    }
    child.stdout.on('data', note)
    child.stderr.on('data', note)
    const fail = (why: string): void => ready.reject(new Error(`${why}:\n${output.join('')}`))
    child.once('exit', (code, signal) => fail(`the Cloud Controller ended with ${signal ?? code}`))
    const timer = setTimeout(() => fail('the Cloud Controller is not ready'), startsWithinInMilliseconds)
    const urls = await ready.promise.finally(() => clearTimeout(timer))
    return new ControllerProcess(child, urls, output)
  }

  /** Everything that it has written. */
  get output(): string {
    return this.#output.join('')
  }

  /** Threads of a pool in a state, as its metrics tell. */
  async threads(pool: 'request' | 'job', state: string): Promise<number> {
    const text = await (await fetch(`${this.metricsUrl}/metrics`)).text()
    return Number(new RegExp(`^reactor_threads{pool="${pool}",state="${state}"} (\\d+)$`, 'm').exec(text)?.[1])
  }

  /** What it holds now. Linux. */
  memoryInMib(): number {
    return this.#status('VmRSS')
  }

  /** The most that it held at any moment while `work` ran, beyond what it had before. Linux, whose kernel keeps count. */
  async growthInMib(work: () => Promise<void>): Promise<number> {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5')
    const before = this.memoryInMib()
    await work()
    return this.#status('VmHWM') - before
  }

  /** Asks it to stop with SIGTERM; resolves with its exit code, or the name of the signal that ended it. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    this.#child.kill('SIGTERM')
    await this.#exited
    return this.#child.exitCode ?? this.#child.signalCode
  }

  #status(field: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / mebibyteInKib
  }
}

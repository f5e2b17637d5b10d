import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { eventually } from '@vcap/testkit'

/** What a command printed, without colours, and how it ended. */
export interface CfResult {
  exitCode: number | null
  output: string
  errors: string
  /** Both, for a message. */
  screen: string
}

export interface CfOptions {
  /** The current directory: the app that is pushed. */
  cwd?: string
  /** What is typed. */
  input?: string
}

/** Why tests with the real `cf` can't run here; undefined when they can. Throws when CI says that it must be there. */
export function whyNoCf(): string | undefined {
  const reason = reasonWithoutCf()
  if (reason && process.env.VCAP_TEST_REQUIRE?.split(',').includes('cf'))
    throw new Error(`VCAP_TEST_REQUIRE names cf, and ${reason}`)
  return reason
}

function reasonWithoutCf(): string | undefined {
  try {
    const version = execFileSync('cf', ['version'], { encoding: 'utf8' })
    const major = Number(/^cf version (\d+)\./m.exec(version)?.[1])
    return major >= 8 ? undefined : `the cf command line has to be of version 8 or later, not "${version.trim()}"`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'the cf command line is not installed'
    throw error
  }
}

/** The real `cf`, with a home of its own. */
export class Cf {
  readonly #environment: NodeJS.ProcessEnv

  constructor(home: string) {
    this.#environment = { ...process.env, CF_HOME: home, CF_COLOR: 'false', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' }
  }

  /** Runs a command to its end, whatever that is. */
  run(commandLine: readonly string[], options: CfOptions = {}): Promise<CfResult> {
    const child = this.#spawn(commandLine, options.cwd)
    child.stdin?.end(options.input ?? '')
    let [output, errors, screen] = ['', '', '']
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      screen += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text
      screen += text
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (exitCode) => resolve({ exitCode, output, errors, screen }))
    })
  }

  /** A command that must work: ends with 0, and prints no warning but the CLI's own about http. Returns its output. */
  async ok(commandLine: readonly string[], options: CfOptions = {}): Promise<string> {
    const { exitCode, output, errors, screen } = await this.run(commandLine, options)
    assert.equal(exitCode, 0, `cf ${commandLine.join(' ')}\n${screen}`)
    const allowed =
      /^(|Warning: Insecure http API endpoint detected: secure https API endpoints are recommended|Instances starting\.\.\.|This action will cause app downtime\.)$/
    assert.deepEqual(
      errors.split('\n').filter((line) => !allowed.test(line)),
      [],
      `cf ${commandLine.join(' ')}\n${screen}`,
    )
    return output
  }

  /** A command that must fail, with exit code 1 and FAILED where cf prints it. */
  async fails(commandLine: readonly string[], options: CfOptions = {}): Promise<CfResult> {
    const result = await this.run(commandLine, options)
    assert.equal(result.exitCode, 1, `cf ${commandLine.join(' ')}\n${result.screen}`)
    return result
  }

  /** Starts a command that runs until it is ended, and ends it when it has printed what is awaited. */
  async untilPrinted(
    commandLine: readonly string[],
    pattern: RegExp,
    meanwhile: () => Promise<unknown>,
  ): Promise<void> {
    const child = this.#spawn(commandLine)
    child.stdin?.end()
    let screen = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        screen += text
      })
    const ended = new Promise((resolve) => child.on('close', resolve))
    try {
      await eventually(`cf ${commandLine.join(' ')} to print ${pattern}`, async () => {
        await meanwhile()
        if (!pattern.test(screen)) throw new Error(screen)
        return true
      })
    } finally {
      child.kill('SIGKILL')
      await ended
    }
  }

  #spawn(commandLine: readonly string[], cwd?: string): ChildProcess {
    return spawn('cf', commandLine, {
      env: this.#environment,
      stdio: 'pipe',
      // Longer than cf itself waits for an app to start, so that what is said then is cf's.
      timeout: 360_000,
      ...(cwd !== undefined && { cwd }),
    })
  }
}

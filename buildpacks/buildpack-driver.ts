import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Stages apps with the scripts of a buildpack, and starts what came out, as a cell does: each script gets folders that
 * exist, a fresh HOME and a small environment; the droplet starts in another place than it was staged in, in a shell that
 * has read the deps folders' profile.d. Every folder has a space in its name.
 */
const repository = dirname(import.meta.dirname)
/** Much longer than anything takes: the machine may be slow, and busy with other tests. */
const deadlineInMs = 60_000

export type BuildpackName = 'nodejs' | 'staticfile' | 'python' | 'binary' | 'procfile'

/** The tools that every machine has and the scripts may use; see `pathWith`. */
const everyMachineHas = 'bash sh env basename cat chmod cp dirname grep ln ls mkdir mv readlink rm sed tr uname'.split(
  ' ',
)

/** The PATH of the tests' own process, with the Node.js that runs them first. */
export const hostPath = [dirname(process.execPath), process.env.PATH].join(delimiter)

export function findTool(name: string, path = hostPath): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** For `skip`: false when the machine has all the tools, else which are missing. */
export function missing(...tools: string[]): string | false {
  const absent = tools.filter((tool) => findTool(tool) === undefined)
  return absent.length > 0 && `${absent.join(' and ')} not found on this machine`
}

export interface ScriptResult {
  readonly exitCode: number | null
  /** Standard output and error as they came. */
  readonly output: string
}

export interface Staged {
  readonly exitCode: number | null
  /** The staging log: what the scripts from detect to finalize wrote. */
  readonly log: string
  /** default_process_types of bin/release; empty when staging failed before. */
  readonly processTypes: Record<string, string>
  /** Where the droplet now is, with `app` and `deps` below. */
  readonly droplet: string
}

export interface StageOptions {
  /** Variables of the app, as `cf set-env` sets them. */
  env?: Record<string, string>
  path?: string
  /** Without it each staging has an empty cache. */
  cache?: string
  index?: number
  /** `v2` runs bin/compile as platforms do that know neither supply nor finalize. */
  as?: 'v2' | 'v3'
}

export class BuildpackDriver {
  readonly folder: string
  readonly #processes: ChildProcess[] = []
  #count = 0

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(): Promise<BuildpackDriver> {
    return new BuildpackDriver(await mkdtemp(join(tmpdir(), 'buildpack test ')))
  }

  /** Ends every instance and removes every file. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) await endGroup(child)
    await rm(this.folder, { recursive: true, force: true })
  }

  async newFolder(name: string): Promise<string> {
    this.#count += 1
    const folder = join(this.folder, `${name} ${this.#count}`)
    await mkdir(folder)
    return folder
  }

  /** An app with these files; a name ending in `*` makes an executable file. */
  async app(files: Record<string, string>): Promise<string> {
    const folder = await this.newFolder('source')
    for (const [name, content] of Object.entries(files)) {
      const file = join(folder, name.replace(/\*$/, ''))
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content, { mode: name.endsWith('*') ? 0o755 : 0o644 })
    }
    return folder
  }

  example(name: string): string {
    return join(repository, 'examples', name)
  }

  /** A PATH with the tools that every machine has, and those named. */
  async pathWith(...tools: string[]): Promise<string> {
    const folder = await this.newFolder('tools')
    for (const tool of [...everyMachineHas, ...tools]) {
      const file = findTool(tool)
      if (file !== undefined) await symlink(file, join(folder, tool))
    }
    return folder
  }

  async run(
    buildpack: BuildpackName,
    script: string,
    args: string[],
    options: StageOptions & { home?: string } = {},
  ): Promise<ScriptResult> {
    const file = join(repository, 'buildpacks', buildpack, 'bin', script)
    const env = {
      PATH: options.path ?? hostPath,
      HOME: options.home ?? this.folder,
      TMPDIR: tmpdir(),
      CF_STACK: 'cflinuxfs4',
      MEMORY_LIMIT: '256m',
      VCAP_APPLICATION: '{}',
      VCAP_SERVICES: '{}',
      ...options.env,
    }
    const child = spawn(file, args, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.#processes.push(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const [exitCode] = (await once(child, 'close')) as [number | null]
    return { exitCode, output }
  }

  async detect(buildpack: BuildpackName, app: string): Promise<ScriptResult> {
    return await this.run(buildpack, 'detect', [app])
  }

  /** Stages a copy of the app up to the first script that fails. */
  async stage(buildpack: BuildpackName, source: string, options: StageOptions = {}): Promise<Staged> {
    const staging = await this.newFolder('staging')
    const [app, deps] = [join(staging, 'app'), join(staging, 'deps')]
    const index = String(options.index ?? 0)
    await cp(source, app, { recursive: true })
    await mkdir(join(deps, index), { recursive: true })
    const cache = options.cache ?? (await this.newFolder('cache'))
    const home = await this.newFolder('home')
    const steps: [string, string[]][] =
      options.as === 'v2'
        ? [['compile', [app, cache]]]
        : [
            ['supply', [app, cache, deps, index]],
            ['finalize', [app, cache, deps, index, join(staging, 'profile.d')]],
          ]

    let log = ''
    let processTypes: Record<string, string> = {}
    let exitCode: number | null = 0
    for (const [script, args] of [...steps, ['release', [app]] as const]) {
      const result = await this.run(buildpack, script, [...args], { ...options, home })
      exitCode = result.exitCode
      if (script === 'release') processTypes = readProcessTypes(result.output)
      else log += result.output
      if (exitCode !== 0) break
    }
    const droplet = join(this.folder, `droplet ${this.#count}`)
    await rename(staging, droplet)
    return { exitCode, log, processTypes, droplet }
  }

  /** Starts a command of the droplet and waits until its port answers. */
  async start(droplet: string, command: string, options: StageOptions = {}): Promise<RunningInstance> {
    const instance = this.launch(droplet, command, { ...options, port: await freePort() })
    await instance.untilItAnswers()
    return instance
  }

  /** Starts a command of the droplet, which need not open a port. */
  launch(droplet: string, command: string, options: StageOptions & { port?: number } = {}): RunningInstance {
    const port = options.port ?? 8080
    const app = join(droplet, 'app')
    const launcher = `cd "$HOME"
      for script in "$DEPS_DIR"/*/profile.d/*.sh "$HOME"/.profile.d/*.sh; do if [ -f "$script" ]; then . "$script"; fi; done
      exec bash -c "$1"`
    const child = spawn('bash', ['-c', launcher, 'launcher', command], {
      env: {
        PATH: options.path ?? hostPath,
        HOME: app,
        TMPDIR: tmpdir(),
        DEPS_DIR: join(droplet, 'deps'),
        PORT: String(port),
        CF_INSTANCE_INDEX: '2',
        CF_INSTANCE_INTERNAL_IP: '127.0.0.1',
        MEMORY_LIMIT: '256m',
        VCAP_APPLICATION: JSON.stringify({ application_name: 'tested', credentials: 'not for a page' }),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#processes.push(child)
    return new RunningInstance(child, `http://127.0.0.1:${port}`)
  }
}

export class RunningInstance {
  readonly url: string
  readonly #child: ChildProcess
  #log = ''

  constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text
      })
    }
  }

  get log(): string {
    return this.#log
  }

  async untilItAnswers(): Promise<void> {
    await until(async () => {
      if (this.#child.exitCode !== null)
        throw new Error(`the instance ended with ${this.#child.exitCode}:\n${this.#log}`)
      return await fetch(this.url, { redirect: 'manual' }).then(
        async (response) => {
          await response.arrayBuffer()
          return true
        },
        () => false,
      )
    }, `${this.url} answers`)
  }

  async untilTheLogHas(text: string): Promise<void> {
    await until(() => this.#log.includes(text), `the log has "${text}"`)
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, { redirect: 'manual', ...init })
  }

  /** Asks the process group to end, as a cell does, and gives the exit code; null if it had to be killed. */
  async stop(): Promise<number | null> {
    return await endGroup(this.#child)
  }

  /** Waits for the process to end by itself. */
  async exit(): Promise<number | null> {
    await until(() => this.#child.exitCode !== null || this.#child.signalCode !== null, 'the instance ends')
    return this.#child.exitCode
  }
}

/** Every symbolic link below a folder that leads out of it: a droplet must hold none. */
export async function linksOutOf(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue
    const link = join(entry.parentPath, entry.name)
    const target = await readlink(link)
    if (isAbsolute(target) || !join(dirname(link), target).startsWith(folder)) found.push(link)
  }
  return found
}

export async function readConfig(droplet: string, index = 0): Promise<string> {
  return await readFile(join(droplet, 'deps', String(index), 'config.yml'), 'utf8')
}

async function endGroup(child: ChildProcess): Promise<number | null> {
  const { pid } = child
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return child.exitCode
  // `close` comes after the last output.
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  process.kill(-pid, 'SIGTERM')
  const killing = setTimeout(() => process.kill(-pid, 'SIGKILL'), deadlineInMs)
  await ended
  clearTimeout(killing)
  return child.exitCode
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + deadlineInMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${deadlineInMs} ms in vain until ${what}`)
    await pause(25)
  }
}

/** A free port below those that the system gives away by itself, so that nobody gets it before the instance listens; fetch refuses 10080. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(11_000, 20_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/** Reads the YAML of bin/release in the forms that these buildpacks write: plain, single-quoted and double-quoted scalars. */
function readProcessTypes(yaml: string): Record<string, string> {
  const [marker, head, ...lines] = yaml.trimEnd().split('\n')
  if (marker !== '---' || !head?.startsWith('default_process_types:'))
    throw new Error(`not the YAML of a release:\n${yaml}`)
  if (head.endsWith('{}')) return {}
  return Object.fromEntries(
    lines.map((line) => {
      const [, type = '', value = ''] = /^ {2}([\w-]+): (.+)$/.exec(line) ?? []
      if (value.startsWith('"')) return [type, JSON.parse(value) as string]
      return [type, value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value]
    }),
  )
}

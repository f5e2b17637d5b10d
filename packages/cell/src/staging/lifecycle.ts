import { createHash } from 'node:crypto'
import { access, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StagedBuildpack } from '@vcap/protocol'
import { readContainedFile } from '../files/read-contained-file.ts'
import { removeTree } from '../files/remove-tree.ts'
import type { WriteLine } from '../logs/log-publisher.ts'
import { type AppUser, giveTo } from '../run-as.ts'
import {
  type LaunchProcess,
  mergeProcesses,
  parseBuildpackConfig,
  parseLaunchFile,
  parseProcfile,
  parseRelease,
} from './launch-data.ts'
import type { ScriptRunner } from './script-runner.ts'
import {
  builderFailed,
  compileFailed,
  noAppDetected,
  noSupplyScript,
  releaseFailed,
  supplyFailed,
} from './staging-failure.ts'

/** A buildpack that is on disk. */
export interface FetchedBuildpack {
  /** The admin buildpack's name, or the URL of a custom one. */
  readonly name: string
  readonly key: string | undefined
  readonly directory: string
}

export interface StagedApp {
  readonly processes: readonly LaunchProcess[]
  readonly buildpacks: readonly StagedBuildpack[]
  readonly detectOutput: string | undefined
}

interface Folders {
  /** Becomes the droplet: app, deps, profile.d. It belongs to the cell itself; the three belong to the buildpacks. */
  readonly contents: string
  readonly cache: string
  readonly home: string
}

const missingFinalize =
  'Warning: the last buildpack is not compatible with multi-buildpack apps and cannot make use of any dependencies supplied by the buildpacks specified before it'

/**
 * Turns an app's source into what a droplet holds by running buildpacks as Cloud Foundry's builder does, versions 2 and 3
 * of their interface. Source of order, arguments and messages: buildpackapplifecycle buildpackrunner/runner.go.
 */
export class Lifecycle {
  readonly #folders: Folders
  readonly #runner: ScriptRunner
  readonly #user: AppUser | undefined
  readonly #write: WriteLine

  constructor(folders: Folders, runner: ScriptRunner, user: AppUser | undefined, write: WriteLine) {
    this.#folders = folders
    this.#runner = runner
    this.#user = user
    this.#write = write
  }

  /** With `detect`, takes the first buildpack that detects the app; else all, in their order, the last one finalizing. Throws StagingFailure. */
  async build(candidates: readonly FetchedBuildpack[], detect: boolean): Promise<StagedApp> {
    const detected = detect ? await this.#detect(candidates) : undefined
    const buildpacks = detected ? [detected.buildpack] : candidates
    const final = buildpacks.at(-1)
    if (!final) throw noAppDetected()
    const suppliers = buildpacks.slice(0, -1)
    await this.#prepareFolders(buildpacks)
    await this.#supply(suppliers, buildpacks)
    const finalDirectory = await this.#root(final)
    await this.#finalize(finalDirectory, buildpacks)
    let processes: LaunchProcess[] = []
    for (const index of suppliers.keys())
      processes = mergeProcesses(processes, (await this.#launchFile(depsIndex(index, buildpacks))) ?? [])
    const finalProcesses = await this.#launchFile(depsIndex(buildpacks.length - 1, buildpacks))
    processes = mergeProcesses(processes, finalProcesses ?? (await this.#release(finalDirectory)))
    processes = mergeProcesses(processes, await this.#procfile())
    return {
      processes,
      detectOutput: detected?.output,
      buildpacks: await Promise.all(
        buildpacks.map(async ({ name, key }, index): Promise<StagedBuildpack> => {
          const config = await this.#buildpackConfig(depsIndex(index, buildpacks))
          return {
            name,
            key: key ?? null,
            detect_output: detected?.output ?? null,
            buildpack_name: config?.name ?? null,
            version: config?.version ?? null,
          }
        }),
      ),
    }
  }

  get #app(): string {
    return join(this.#folders.contents, 'app')
  }
  get #deps(): string {
    return join(this.#folders.contents, 'deps')
  }

  async #detect(candidates: readonly FetchedBuildpack[]) {
    for (const buildpack of candidates) {
      const directory = await this.#root(buildpack).catch((error: Error) => {
        this.#write('ERR', error.message)
        return undefined
      })
      if (directory === undefined || !(await exists(join(directory, 'bin', 'detect')))) continue
      const { exitStatus, output } = await this.#script(directory, 'detect', [this.#app], true)
      if (exitStatus === 0) return { buildpack, output: output.replace(/[\r\n]+$/, '') }
    }
    throw noAppDetected()
  }

  async #prepareFolders(buildpacks: readonly FetchedBuildpack[]): Promise<void> {
    const { cache } = this.#folders
    const wanted = new Set(['final', ...buildpacks.slice(0, -1).map(({ name }) => cacheName(name))])
    // What earlier buildpacks of the app have left in the cache helps nobody any more.
    for (const name of await readdir(cache)) if (!wanted.has(name)) await removeTree(join(cache, name))
    for (const name of wanted) await mkdir(join(cache, name), { recursive: true })
    for (const index of buildpacks.keys())
      await mkdir(join(this.#deps, depsIndex(index, buildpacks)), { recursive: true })
    await giveTo(this.#user, cache, this.#deps)
  }

  async #supply(suppliers: readonly FetchedBuildpack[], all: readonly FetchedBuildpack[]): Promise<void> {
    const directories: string[] = []
    for (const supplier of suppliers) {
      const directory = await this.#root(supplier).catch((error: Error) => {
        throw supplyFailed(error.message)
      })
      if (!(await exists(join(directory, 'bin', 'supply')))) throw noSupplyScript()
      directories.push(directory)
    }
    for (const [index, supplier] of suppliers.entries()) {
      const cache = join(this.#folders.cache, cacheName(supplier.name))
      const args = [this.#app, cache, this.#deps, depsIndex(index, all)]
      const { exitStatus } = await this.#script(directories[index] ?? '', 'supply', args)
      if (exitStatus !== 0) throw supplyFailed(`exit status ${exitStatus}`)
    }
  }

  async #finalize(directory: string, all: readonly FetchedBuildpack[]): Promise<void> {
    const index = depsIndex(all.length - 1, all)
    const cache = join(this.#folders.cache, 'final')
    if (!(await exists(join(directory, 'bin', 'finalize')))) {
      if (all.length > 1) this.#write('ERR', missingFinalize)
      await rm(join(this.#deps, index), { recursive: true, force: true })
      const { exitStatus } = await this.#script(directory, 'compile', [this.#app, cache])
      if (exitStatus !== 0) throw compileFailed('', exitStatus)
      return
    }
    const args = [this.#app, cache, this.#deps, index]
    if (await exists(join(directory, 'bin', 'supply'))) {
      const { exitStatus } = await this.#script(directory, 'supply', args)
      if (exitStatus !== 0) throw compileFailed('Failed to run all supply scripts: ', exitStatus)
    }
    const profile = join(this.#folders.contents, 'profile.d')
    const { exitStatus } = await this.#script(directory, 'finalize', [...args, profile])
    if (exitStatus !== 0) throw compileFailed('Failed to run finalize script: ', exitStatus)
  }

  async #release(directory: string): Promise<LaunchProcess[]> {
    const { exitStatus, output } = await this.#script(directory, 'release', [this.#app], true)
    if (exitStatus !== 0) throw releaseFailed(`exit status ${exitStatus}`)
    const release = await parseRelease(output).catch(() => {
      throw releaseFailed("buildpack's release output invalid")
    })
    await this.#writeVariables(release.variables)
    return release.processes
  }

  /** Variables that the oldest buildpacks ask for; what the user has set goes before. */
  async #writeVariables(variables: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(variables)
      .filter(([name]) => /^[A-Za-z_]\w*$/.test(name))
      .map(([name, value]) => `[ -n "\${${name}+x}" ] || export ${name}=${shellQuoted(value)}\n`)
    if (lines.length === 0) return
    // Its folder belongs to the buildpacks, who may have put a link in the way.
    const file = join(this.#folders.contents, 'profile.d', '000_config_vars.sh')
    await rm(file, { force: true })
    await writeFile(file, lines.join(''), { flag: 'wx', mode: 0o644 })
  }

  async #procfile(): Promise<LaunchProcess[]> {
    const text = await this.#read(join('app', 'Procfile'))
    if (text === undefined) return []
    return parseProcfile(text).catch((cause: unknown) => {
      throw builderFailed('Failed to read command from Procfile: invalid YAML', cause)
    })
  }

  async #launchFile(index: string): Promise<LaunchProcess[] | undefined> {
    const text = await this.#read(join('deps', index, 'launch.yml'))
    if (text === undefined) return undefined
    return parseLaunchFile(text).catch((cause: unknown) => {
      throw builderFailed(`The launch.yml of buildpack ${index} is invalid`, cause)
    })
  }

  /** A buildpack whose config.yml can't be read has no name and version, as with CF's builder. */
  async #buildpackConfig(index: string) {
    const text = await this.#read(join('deps', index, 'config.yml'))
    return text === undefined ? undefined : parseBuildpackConfig(text).catch(() => undefined)
  }

  #read(path: string): Promise<string | undefined> {
    return readContainedFile(this.#folders.contents, path).catch((cause: Error) => {
      throw builderFailed(`Failed to read ${path}: ${cause.message}`, cause)
    })
  }

  #script(directory: string, name: string, args: readonly string[], capture = false) {
    return this.#runner.run(join(directory, 'bin', name), args, { cwd: this.#folders.home, capture })
  }

  /** The folder that has bin: the buildpack's own, or the only one in it (zips from GitHub have one around all). */
  async #root({ directory, name }: FetchedBuildpack): Promise<string> {
    if (await exists(join(directory, 'bin'))) return directory
    const [only, ...others] = await readdir(directory)
    if (only !== undefined && others.length === 0 && (await exists(join(directory, only, 'bin'))))
      return join(directory, only)
    throw builderFailed(`malformed buildpack does not contain a /bin dir: ${name}`)
  }
}

/** `0`, or `00` from eleven buildpacks on, so that the names sort. */
function depsIndex(index: number, all: readonly unknown[]): string {
  return String(index).padStart(String(all.length).length, '0')
}

function cacheName(buildpack: string): string {
  return createHash('md5').update(buildpack).digest('hex')
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AdminBuildpack, StagingCompletion, StagingRequest } from '@vcap/protocol'
import type { CellContext } from '../cell-context.ts'
import { stagingEnvironment } from '../environment/staging-environment.ts'
import { ArchiveError } from '../files/archive-error.ts'
import { removeTree } from '../files/remove-tree.ts'
import { packFolder } from '../files/tarball.ts'
import { untar } from '../files/untar.ts'
import { unzip } from '../files/unzip.ts'
import { goDuration } from '../instances/health-check.ts'
import { removeRecord } from '../instances/instance-records.ts'
import { byteSize } from '../logs/byte-size.ts'
import type { WriteLine } from '../logs/log-publisher.ts'
import { giveTo } from '../run-as.ts'
import { TransferError } from '../transfer/blob-url.ts'
import type { BuildpackCache } from '../transfer/buildpack-cache.ts'
import { download } from '../transfer/download.ts'
import { uploadFile } from '../transfer/upload.ts'
import { fetchCustomBuildpack, isBuildpackUrl, shownUrl } from './custom-buildpack.ts'
import { type FetchedBuildpack, Lifecycle, type StagedApp } from './lifecycle.ts'
import { ScriptRunner } from './script-runner.ts'
import { StagingFailure, stagingError } from './staging-failure.ts'

/** One build: from the request to the completion. Its steps and what it says about them are those of Cloud Foundry. */
export class StagingTask {
  readonly request: StagingRequest
  readonly guid = randomBytes(16).toString('hex')
  readonly #context: CellContext
  readonly #buildpacks: BuildpackCache
  readonly #abort = new AbortController()
  readonly #write: WriteLine
  readonly #directory: string
  /** Closed to buildpacks: archives on their way in and out. */
  readonly #private: string
  readonly #borrowed: (() => Promise<void>)[] = []

  constructor(context: CellContext, buildpacks: BuildpackCache, request: StagingRequest) {
    this.#context = context
    this.#buildpacks = buildpacks
    this.request = request
    this.#directory = join(context.directories.staging, this.guid)
    this.#private = join(context.directories.stagingFiles, this.guid)
    const tags = {
      app_id: request.app_id,
      ...(request.app_name !== undefined && { app_name: request.app_name }),
      instance_id: '0',
      origin: 'rep',
      source_type: 'STG',
    }
    this.#write = (stream, line) => context.publisher.log(request.app_id, '0', tags, stream, line)
  }

  /** Ends the task soon; `run` then answers a completion that says so. */
  stop(): void {
    this.#abort.abort(stagingError('Staging was stopped'))
  }

  /** Never rejects: whatever goes wrong becomes the completion's error. */
  async run(): Promise<StagingCompletion> {
    const { config, cellId } = this.#context
    const { task_id, app_id } = this.request
    const limitInMs = config.stagingTimeoutInSeconds * 1000
    const timer = setTimeout(() => {
      const text = `Staging exceeded its time limit of ${goDuration(limitInMs)}`
      this.#abort.abort(new StagingFailure('StagingTimeExpired', text, text, 1))
    }, limitInMs)
    this.#say(`Cell ${cellId} creating container for instance ${this.guid}`)
    try {
      return { task_id, app_id, phase: 'complete', ...(await this.#stage()) }
    } catch (cause) {
      const failure = this.#failureOf(cause)
      return {
        task_id,
        app_id,
        phase: 'complete',
        buildpacks: [],
        sidecars: [],
        error: failure.message,
        error_info: { type: failure.type, message: failure.message },
      }
    } finally {
      clearTimeout(timer)
      this.#say(`Cell ${cellId} stopping instance ${this.guid}`)
      this.#say(`Cell ${cellId} destroying container for instance ${this.guid}`)
      // Whoever follows the log stops reading soon after the completion.
      this.#context.publisher.flush()
    }
  }

  /** Gives back what the task occupied; after `run`. Never rejects. */
  async clear(): Promise<void> {
    const { cellId, directories, logger } = this.#context
    try {
      for (const giveBack of this.#borrowed) await giveBack()
      await removeTree(this.#directory)
      await removeTree(this.#private)
      await removeRecord(directories.records, this.guid)
      this.#say(`Cell ${cellId} successfully destroyed container for instance ${this.guid}`)
    } catch (error) {
      logger.error({ err: error, staging: this.guid }, 'could not clear up after a staging task')
    }
  }

  async #stage() {
    const runner = await this.#makeContainer()
    let staged: StagedApp
    try {
      const [fetched] = await Promise.all([this.#fetchBuildpacks(runner), this.#fetchApp(), this.#fetchCache()])
      staged = await this.#build(runner, fetched)
    } finally {
      await runner.close()
    }
    const droplet = await this.#pack(staged)
    await this.#upload()
    // The first instance often starts right here.
    await this.#context.droplets.add(droplet.sha1, this.#dropletFile)
    const processTypes = commandsOf(staged)
    return {
      detected_buildpack: staged.detectOutput || staged.buildpacks.at(-1)?.buildpack_name || null,
      buildpack_key: staged.buildpacks.at(-1)?.key ?? null,
      droplet_sha1: droplet.sha1,
      detected_start_command: processTypes.web ?? null,
      procfile: processTypes,
      buildpacks: [...staged.buildpacks],
      sidecars: staged.processes
        .filter(({ sidecarFor }) => sidecarFor.length > 0)
        .map(({ type, command, sidecarFor, memoryInMb }) => ({
          name: type,
          command,
          process_types: [...sidecarFor],
          memory: memoryInMb ?? null,
        })),
    }
  }

  async #makeContainer(): Promise<ScriptRunner> {
    const { config, cellId, path, user } = this.#context
    const { resources } = this.request.properties
    const stack = this.request.stack ?? config.stacks[0] ?? ''
    await mkdir(this.#private, { mode: 0o700 })
    await mkdir(this.#directory, { mode: 0o755 })
    for (const name of ['contents', 'cache', 'home', 'tmp', 'buildpacks']) await mkdir(join(this.#directory, name))
    for (const name of ['app', 'deps', 'profile.d']) await mkdir(join(this.#contents, name))
    const environment = stagingEnvironment(this.request, {
      guid: this.guid,
      directory: this.#directory,
      host: config.host,
      path,
      stack,
    })
    const runner = new ScriptRunner(
      this.#context,
      this.guid,
      this.#directory,
      environment,
      this.#write,
      this.#abort.signal,
    )
    await runner.open({ memoryInMb: resources.memory, diskInMb: resources.disk })
    const own = ['home', 'tmp', 'cache', 'contents/app', 'contents/deps', 'contents/profile.d']
    await giveTo(user, ...own.map((name) => join(this.#directory, name)))
    this.#say(`Cell ${cellId} successfully created container for instance ${this.guid}`)
    return runner
  }

  /** Those that the app asks for, or all enabled ones to detect over. */
  async #fetchBuildpacks(runner: ScriptRunner): Promise<FetchedBuildpack[]> {
    const { admin_buildpacks: admin, properties } = this.request
    const wanted = properties.buildpacks
    if (wanted.length === 0) return Promise.all(admin.map((buildpack) => this.#fetchAdmin(buildpack)))
    const fetched: FetchedBuildpack[] = []
    for (const [index, name] of wanted.entries()) {
      const found = admin.find((buildpack) => buildpack.name === name || buildpack.key === name)
      if (found) fetched.push(await this.#fetchAdmin(found))
      else if (isBuildpackUrl(name)) fetched.push(await this.#fetchCustom(name, index, runner))
      else throw stagingError(`There is no buildpack named ${name}`)
    }
    return fetched
  }

  async #fetchAdmin(buildpack: AdminBuildpack): Promise<FetchedBuildpack> {
    const name = buildpack.name ?? buildpack.key
    this.#say(`Downloading ${name}...`)
    const { directory, downloadedInBytes, giveBack } = await this.#buildpacks.borrow(buildpack)
    this.#borrowed.push(giveBack)
    this.#say(
      downloadedInBytes === undefined ? `Downloaded ${name}` : `Downloaded ${name} (${byteSize(downloadedInBytes)})`,
    )
    return { name, key: buildpack.key, directory }
  }

  async #fetchCustom(url: string, index: number, runner: ScriptRunner): Promise<FetchedBuildpack> {
    const directory = join(this.#directory, 'buildpacks', String(index))
    await fetchCustomBuildpack({
      url,
      directory,
      privateDirectory: this.#private,
      runner,
      limits: this.#context.config.archives,
      user: this.#context.user,
      signal: this.#abort.signal,
      log: (line) => this.#say(line),
    })
    return { name: shownUrl(url), key: undefined, directory }
  }

  async #fetchApp(): Promise<void> {
    const { config, user } = this.#context
    const { signal } = this.#abort
    const maxSizeInMb = Math.min(config.archives.maxSizeInMb, this.request.properties.resources.disk)
    const file = join(this.#private, 'package.zip')
    this.#say('Downloading app package...')
    const { sizeInBytes } = await download(this.request.download_uri, file, {
      maxSizeInBytes: maxSizeInMb * 1024 ** 2,
      signal,
    })
    this.#say(`Downloaded app package (${byteSize(sizeInBytes)})`)
    const app = join(this.#contents, 'app')
    await unzip(file, app, { ...config.archives, maxSizeInMb }, signal)
    await giveTo(user, app)
  }

  /** A cache that can't be had or read only costs time. */
  async #fetchCache(): Promise<void> {
    const { buildpack_cache_download_uri: address, properties } = this.request
    if (!address) return
    const { signal } = this.#abort
    const { maxEntries } = this.#context.config.archives
    const cache = join(this.#directory, 'cache')
    const file = join(this.#private, 'cache.tgz')
    const maxSizeInBytes = properties.resources.disk * 1024 ** 2
    this.#say('Downloading build artifacts cache...')
    try {
      const { sizeInBytes } = await download(address, file, { maxSizeInBytes, signal })
      await untar(file, cache, { maxEntries, maxSizeInBytes }, signal)
      await giveTo(this.#context.user, cache)
      this.#say(`Downloaded build artifacts cache (${byteSize(sizeInBytes)})`)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TransferError) && !(error instanceof ArchiveError)) throw error
      this.#write('ERR', `Downloading build artifacts cache failed: ${error.message}`)
      await removeTree(cache)
      await mkdir(cache)
      await giveTo(this.#context.user, cache)
    }
  }

  async #build(runner: ScriptRunner, fetched: readonly FetchedBuildpack[]): Promise<StagedApp> {
    const folders = {
      contents: this.#contents,
      cache: join(this.#directory, 'cache'),
      home: join(this.#directory, 'home'),
    }
    const lifecycle = new Lifecycle(folders, runner, this.#context.user, this.#write)
    try {
      return await lifecycle.build(fetched, this.request.properties.buildpacks.length === 0)
    } catch (error) {
      if (error instanceof StagingFailure && !this.#abort.signal.aborted) {
        this.#write('ERR', error.logged)
        this.#say(`Exit status ${error.exitStatus}`)
      }
      throw error
    }
  }

  async #pack(staged: StagedApp) {
    const { signal } = this.#abort
    const startCommand = commandsOf(staged).web ?? ''
    if (startCommand === '') {
      this.#write('ERR', 'No start command specified by buildpack or via Procfile.')
      this.#write('ERR', 'App will not start unless a command is provided at runtime.')
    }
    const detected = staged.buildpacks.at(-1)
    const info = {
      detected_buildpack: detected?.buildpack_name ?? staged.detectOutput ?? '',
      start_command: startCommand,
    }
    await writeFile(join(this.#contents, 'staging_info.yml'), `${JSON.stringify(info)}\n`, { mode: 0o644 })
    for (const name of ['logs', 'tmp']) await mkdir(join(this.#contents, name), { recursive: true })
    const droplet = await packFolder(this.#contents, this.#dropletFile, signal)
    await packFolder(join(this.#directory, 'cache'), this.#cacheFile, signal)
    this.#say('Exit status 0')
    return droplet
  }

  async #upload(): Promise<void> {
    const { signal } = this.#abort
    const { stat } = await import('node:fs/promises')
    const uploadOne = async (what: string, address: string, file: string) => {
      this.#say(`Uploading ${what}...`)
      await uploadFile(address, file, signal)
      this.#say(`Uploaded ${what} (${byteSize((await stat(file)).size)})`)
    }
    this.#say('Uploading droplet, build artifacts cache...')
    try {
      await Promise.all([
        uploadOne('droplet', this.request.upload_uri, this.#dropletFile),
        uploadOne('build artifacts cache', this.request.buildpack_cache_upload_uri, this.#cacheFile),
      ])
    } catch (cause) {
      signal.throwIfAborted()
      this.#write('ERR', `Uploading failed: ${(cause as Error).message}`)
      throw stagingError('Uploading the droplet failed', cause)
    }
    this.#say('Uploading complete')
  }

  /** The droplet's file for as long as `run` goes on, for the cell's own cache. */
  get #dropletFile(): string {
    return join(this.#private, 'droplet.tgz')
  }
  get #cacheFile(): string {
    return join(this.#private, 'cache-out.tgz')
  }
  get #contents(): string {
    return join(this.#directory, 'contents')
  }

  #say(line: string): void {
    this.#write('OUT', line)
  }

  #failureOf(cause: unknown): StagingFailure {
    const { signal } = this.#abort
    if (signal.aborted && signal.reason instanceof StagingFailure) {
      this.#write('ERR', signal.reason.logged)
      return signal.reason
    }
    if (cause instanceof StagingFailure) return cause
    if (cause instanceof TransferError || cause instanceof ArchiveError) {
      this.#write('ERR', cause.message)
      return stagingError(cause.message, cause)
    }
    this.#context.logger.error({ err: cause, task: this.request.task_id }, 'staging failed in an unforeseen way')
    return stagingError('internal error of the cell', cause)
  }
}

function commandsOf({ processes }: StagedApp): Record<string, string> {
  return Object.fromEntries(
    processes.filter(({ sidecarFor }) => sidecarFor.length === 0).map(({ type, command }) => [type, command]),
  )
}

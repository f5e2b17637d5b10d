import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StagingCompletion, StagingRequest } from '@vcap/protocol'
import type { CellContext } from '../cell-context.ts'
import { stagingEnvironment } from '../environment/staging-environment.ts'
import { ArchiveError } from '../files/archive-error.ts'
import { type PackedFile, packFolder } from '../files/tarball.ts'
import { goDuration } from '../instances/health-check.ts'
import { byteSize } from '../logs/byte-size.ts'
import type { WriteLine } from '../logs/log-publisher.ts'
import { TransferError } from '../transfer/blob-url.ts'
import type { BuildpackCache } from '../transfer/buildpack-cache.ts'
import { uploadFile } from '../transfer/upload.ts'
import { Lifecycle, type StagedApp } from './lifecycle.ts'
import { ScriptRunner } from './script-runner.ts'
import { StagingFailure, stagingError } from './staging-failure.ts'
import { StagingFolder } from './staging-folder.ts'
import { StagingSources } from './staging-sources.ts'

/** One build: from the request to the completion. Its steps and what it says about them are those of Cloud Foundry. */
export class StagingTask {
  readonly request: StagingRequest
  readonly #guid = randomBytes(16).toString('hex')
  readonly #context: CellContext
  readonly #abort = new AbortController()
  readonly #write: WriteLine
  readonly #folder: StagingFolder
  readonly #sources: StagingSources
  readonly #runner: ScriptRunner

  constructor(context: CellContext, buildpacks: BuildpackCache, request: StagingRequest) {
    this.#context = context
    this.request = request
    const { config, directories, path, publisher, user } = context
    const tags = {
      app_id: request.app_id,
      ...(request.app_name !== undefined && { app_name: request.app_name }),
      instance_id: '0',
      origin: 'rep',
      source_type: 'STG',
    }
    this.#write = (stream, line) => publisher.log(request.app_id, '0', tags, stream, line)
    this.#folder = new StagingFolder(directories, this.#guid, user)
    this.#sources = new StagingSources(context, buildpacks, request, this.#folder, this.#write)
    const environment = stagingEnvironment(request, {
      guid: this.#guid,
      directory: this.#folder.root,
      host: config.host,
      path,
      stack: request.stack ?? config.stacks[0] ?? '',
    })
    const { signal } = this.#abort
    this.#runner = new ScriptRunner(context, this.#guid, this.#folder.root, environment, this.#write, signal)
  }

  /** Ends the task soon; `run` then answers a completion that says so. */
  stop(): void {
    this.#abort.abort(stagingError('Staging was stopped'))
  }

  /** Never rejects: whatever goes wrong becomes the completion's error. */
  async run(): Promise<StagingCompletion> {
    const { config, cellId, publisher } = this.#context
    const { task_id, app_id } = this.request
    const limitInMs = config.stagingTimeoutInSeconds * 1000
    const timer = setTimeout(() => {
      const text = `Staging exceeded its time limit of ${goDuration(limitInMs)}`
      this.#abort.abort(new StagingFailure('StagingTimeExpired', text, text))
    }, limitInMs)
    this.#say(`Cell ${cellId} creating container for instance ${this.#guid}`)
    try {
      return { task_id, app_id, phase: 'complete', ...(await this.#stage()) }
    } catch (cause) {
      const { type, message, logged, exitStatus } = this.#failureOf(
        this.#abort.signal.aborted ? this.#abort.signal.reason : cause,
      )
      this.#write('ERR', logged)
      if (exitStatus !== undefined) this.#say(`Exit status ${exitStatus}`)
      const error_info = { type, message }
      return { task_id, app_id, phase: 'complete', buildpacks: [], sidecars: [], error: message, error_info }
    } finally {
      clearTimeout(timer)
      this.#say(`Cell ${cellId} stopping instance ${this.#guid}`)
      this.#say(`Cell ${cellId} destroying container for instance ${this.#guid}`)
      // Whoever follows the log stops reading soon after the completion.
      publisher.flush()
    }
  }

  /** Gives back what the task occupied; after `run`. Never rejects. */
  async clear(): Promise<void> {
    const { cellId, logger } = this.#context
    try {
      await this.#sources.giveBack()
      await this.#folder.remove()
      await this.#runner.forget()
      this.#say(`Cell ${cellId} successfully destroyed container for instance ${this.#guid}`)
    } catch (error) {
      logger.error({ err: error, staging: this.#guid }, 'could not clear up after a staging task')
    }
  }

  async #stage() {
    const staged = await this.#build()
    const droplet = await this.#pack(staged)
    await this.#upload()
    // The first instance often starts right here.
    await this.#context.droplets.add(droplet.sha1, this.#dropletFile)
    const commands = commandsOf(staged)
    return {
      detected_buildpack: staged.detectOutput || staged.buildpacks.at(-1)?.buildpack_name || null,
      buildpack_key: staged.buildpacks.at(-1)?.key ?? null,
      droplet_sha1: droplet.sha1,
      detected_start_command: commands.web ?? null,
      procfile: commands,
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

  /** From the sources to the folder that becomes the droplet. When it ends no buildpack runs any more. */
  async #build(): Promise<StagedApp> {
    const { cellId, user } = this.#context
    const { resources, buildpacks } = this.request.properties
    await this.#folder.make()
    await this.#runner.open({ memoryInMb: resources.memory, diskInMb: resources.disk })
    try {
      this.#say(`Cell ${cellId} successfully created container for instance ${this.#guid}`)
      const fetched = await this.#sources.fetch(this.#runner, this.#abort.signal)
      const lifecycle = new Lifecycle(this.#folder, this.#runner, user, this.#write)
      return await lifecycle.build(fetched, buildpacks.length === 0)
    } finally {
      await this.#runner.close()
    }
  }

  async #pack(staged: StagedApp): Promise<PackedFile> {
    const { signal } = this.#abort
    const { contents, cache } = this.#folder
    const startCommand = commandsOf(staged).web ?? ''
    if (startCommand === '') {
      this.#write('ERR', 'No start command specified by buildpack or via Procfile.')
      this.#write('ERR', 'App will not start unless a command is provided at runtime.')
    }
    const info = {
      detected_buildpack: staged.buildpacks.at(-1)?.buildpack_name ?? staged.detectOutput ?? '',
      start_command: startCommand,
    }
    await writeFile(join(contents, 'staging_info.yml'), `${JSON.stringify(info)}\n`)
    for (const name of ['logs', 'tmp']) await mkdir(join(contents, name))
    const droplet = await packFolder(contents, this.#dropletFile, signal)
    await packFolder(cache, this.#cacheFile, signal)
    this.#say('Exit status 0')
    return droplet
  }

  async #upload(): Promise<void> {
    const { signal } = this.#abort
    const uploadOne = async (what: string, address: string, file: string) => {
      this.#say(`Uploading ${what}...`)
      const sizeInBytes = await uploadFile(address, file, signal)
      this.#say(`Uploaded ${what} (${byteSize(sizeInBytes)})`)
    }
    this.#say('Uploading droplet, build artifacts cache...')
    try {
      await Promise.all([
        uploadOne('droplet', this.request.upload_uri, this.#dropletFile),
        uploadOne('build artifacts cache', this.request.buildpack_cache_upload_uri, this.#cacheFile),
      ])
    } catch (cause) {
      signal.throwIfAborted()
      if (!(cause instanceof TransferError)) throw cause
      throw new StagingFailure('StagingError', 'Uploading the droplet failed', `Uploading failed: ${cause.message}`)
    }
    this.#say('Uploading complete')
  }

  /** There for as long as `run` goes on. */
  get #dropletFile(): string {
    return join(this.#folder.archives, 'droplet.tgz')
  }
  get #cacheFile(): string {
    return join(this.#folder.archives, 'new-cache.tgz')
  }

  #say(line: string): void {
    this.#write('OUT', line)
  }

  #failureOf(cause: unknown): StagingFailure {
    if (cause instanceof StagingFailure) return cause
    if (cause instanceof TransferError || cause instanceof ArchiveError) return stagingError(cause.message, cause)
    this.#context.logger.error({ err: cause, task: this.request.task_id }, 'staging failed in an unforeseen way')
    return stagingError('internal error of the cell', cause)
  }
}

/** The commands of the process types that aren't sidecars. */
function commandsOf({ processes }: StagedApp): Record<string, string> {
  return Object.fromEntries(
    processes.filter(({ sidecarFor }) => sidecarFor.length === 0).map(({ type, command }) => [type, command]),
  )
}

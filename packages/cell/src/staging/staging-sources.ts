import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AdminBuildpack, StagingRequest } from '@vcap/protocol'
import type { CellContext } from '../cell-context.ts'
import { ArchiveError } from '../files/archive-error.ts'
import { removeTree } from '../files/remove-tree.ts'
import { untar } from '../files/untar.ts'
import { unzip } from '../files/unzip.ts'
import { byteSize } from '../logs/byte-size.ts'
import type { WriteLine } from '../logs/log-publisher.ts'
import { giveTo } from '../run-as.ts'
import { TransferError } from '../transfer/blob-url.ts'
import type { BuildpackCache } from '../transfer/buildpack-cache.ts'
import { download } from '../transfer/download.ts'
import { fetchCustomBuildpack, isBuildpackUrl, shownUrl } from './custom-buildpack.ts'
import type { FetchedBuildpack } from './lifecycle.ts'
import type { ScriptRunner } from './script-runner.ts'
import { stagingError } from './staging-failure.ts'
import type { StagingFolder } from './staging-folder.ts'

/** Brings a task what it works on: buildpacks, the app's source, and what buildpacks cached the last time. */
export class StagingSources {
  readonly #context: CellContext
  readonly #buildpacks: BuildpackCache
  readonly #request: StagingRequest
  readonly #folder: StagingFolder
  readonly #write: WriteLine
  readonly #borrowed: (() => Promise<void>)[] = []

  constructor(
    context: CellContext,
    buildpacks: BuildpackCache,
    request: StagingRequest,
    folder: StagingFolder,
    write: WriteLine,
  ) {
    this.#context = context
    this.#buildpacks = buildpacks
    this.#request = request
    this.#folder = folder
    this.#write = write
  }

  /** All at the same time; when one fails the others are ended, and all have ended when this throws. */
  async fetch(runner: ScriptRunner, signal: AbortSignal): Promise<FetchedBuildpack[]> {
    const failed = new AbortController()
    const either = AbortSignal.any([signal, failed.signal])
    const giveUp = (error: unknown): never => {
      failed.abort(error)
      throw error
    }
    const buildpacks = this.#fetchBuildpacks(runner, either).catch(giveUp)
    const others = [this.#fetchApp(either).catch(giveUp), this.#fetchCache(either).catch(giveUp)]
    await Promise.allSettled([buildpacks, ...others])
    either.throwIfAborted()
    return buildpacks
  }

  /** The buildpacks are needed no more. */
  async giveBack(): Promise<void> {
    for (const giveBack of this.#borrowed.splice(0)) await giveBack()
  }

  /** Those that the app asks for, or all enabled ones to detect over. */
  async #fetchBuildpacks(runner: ScriptRunner, signal: AbortSignal): Promise<FetchedBuildpack[]> {
    const { admin_buildpacks: admin, properties } = this.#request
    const wanted = properties.buildpacks
    if (wanted.length === 0) return Promise.all(admin.map((buildpack) => this.#fetchAdmin(buildpack, signal)))
    const fetched: FetchedBuildpack[] = []
    for (const [index, name] of wanted.entries()) {
      const found = admin.find((buildpack) => buildpack.name === name || buildpack.key === name)
      if (found) fetched.push(await this.#fetchAdmin(found, signal))
      else if (isBuildpackUrl(name)) fetched.push(await this.#fetchCustom(name, index, runner, signal))
      else throw stagingError(`There is no buildpack named ${name}`)
    }
    return fetched
  }

  async #fetchAdmin(buildpack: AdminBuildpack, signal: AbortSignal): Promise<FetchedBuildpack> {
    const name = buildpack.name ?? buildpack.key
    this.#say(`Downloading ${name}...`)
    const { directory, downloadedInBytes, giveBack } = await this.#buildpacks.borrow(buildpack, signal)
    this.#borrowed.push(giveBack)
    this.#say(
      downloadedInBytes === undefined ? `Downloaded ${name}` : `Downloaded ${name} (${byteSize(downloadedInBytes)})`,
    )
    return { name, key: buildpack.key, directory }
  }

  async #fetchCustom(url: string, index: number, runner: ScriptRunner, signal: AbortSignal): Promise<FetchedBuildpack> {
    const directory = join(this.#folder.buildpacks, String(index))
    await fetchCustomBuildpack({
      url,
      directory,
      archive: join(this.#folder.archives, `buildpack-${index}.zip`),
      runner,
      limits: this.#context.config.archives,
      user: this.#context.user,
      signal,
      log: (line) => this.#say(line),
    })
    return { name: shownUrl(url), key: undefined, directory }
  }

  async #fetchApp(signal: AbortSignal): Promise<void> {
    const { config, user } = this.#context
    const maxSizeInMb = Math.min(config.archives.maxSizeInMb, this.#request.properties.resources.disk)
    const file = join(this.#folder.archives, 'package.zip')
    this.#say('Downloading app package...')
    const { sizeInBytes } = await download(this.#request.download_uri, file, {
      maxSizeInBytes: maxSizeInMb * 1024 ** 2,
      signal,
    })
    this.#say(`Downloaded app package (${byteSize(sizeInBytes)})`)
    await unzip(file, this.#folder.app, { ...config.archives, maxSizeInMb }, signal)
    await giveTo(user, this.#folder.app)
  }

  /** A cache that can't be had or read only costs time. */
  async #fetchCache(signal: AbortSignal): Promise<void> {
    const { buildpack_cache_download_uri: address, properties } = this.#request
    if (!address) return
    const { user, config } = this.#context
    const { archives, cache } = this.#folder
    const file = join(archives, 'cache.tgz')
    const maxSizeInBytes = properties.resources.disk * 1024 ** 2
    this.#say('Downloading build artifacts cache...')
    try {
      const { sizeInBytes } = await download(address, file, { maxSizeInBytes, signal })
      await untar(file, cache, { maxEntries: config.archives.maxEntries, maxSizeInBytes }, signal)
      this.#say(`Downloaded build artifacts cache (${byteSize(sizeInBytes)})`)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TransferError) && !(error instanceof ArchiveError)) throw error
      this.#write('ERR', `Downloading build artifacts cache failed: ${error.message}`)
      await removeTree(cache)
      await mkdir(cache)
    }
    await giveTo(user, cache)
  }

  #say(line: string): void {
    this.#write('OUT', line)
  }
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { StartMessage } from '@vcap/protocol'
import { z } from 'zod'
import type { CellContext } from '../cell-context.ts'
import { instanceEnvironment } from '../environment/instance-environment.ts'
import { ArchiveError } from '../files/archive-error.ts'
import { readContainedFile } from '../files/read-contained-file.ts'
import { removeTree } from '../files/remove-tree.ts'
import { untar } from '../files/untar.ts'
import { byteSize } from '../logs/byte-size.ts'
import { ProcessFamily } from '../processes/process-family.ts'
import { type SupervisedProcess, startProcess } from '../processes/supervised-process.ts'
import { giveTo } from '../run-as.ts'
import { TransferError } from '../transfer/blob-url.ts'
import { type InstanceLog, logSource } from './instance-log.ts'
import { removeRecord, writeRecord } from './instance-records.ts'
import { launcherArguments } from './launcher.ts'

/** How the processes of an instance came to their end. */
export type Ending =
  | { readonly kind: 'exited'; readonly source: string; readonly exitStatus: number }
  | { readonly kind: 'exceeded'; readonly resource: 'memory' | 'disk' }
  | { readonly kind: 'unhealthy'; readonly reason: string }

/** An instance that can't be started, with the reason in words for the user. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure'
  /** -1: nothing has run. */
  readonly exitStatus = -1
}

/** Cells write JSON into it, which is YAML too. */
const StagingInfo = z.object({ start_command: z.string().nullish() })
const bash = '/bin/bash'
/** Whoever has left the process tree may hold the output open; its last lines are waited for this long. */
const drainTimeoutInMs = 1_000

/** What an instance occupies on this machine: its folder, its port, its processes. Nothing of it is left after `destroy`. */
export class Container {
  readonly #context: CellContext
  readonly #message: StartMessage
  readonly #log: InstanceLog
  readonly #guid: string
  readonly #startedAt: number
  readonly #directory: string
  readonly #family: ProcessFamily
  readonly #processes: { source: string; process: SupervisedProcess }[] = []
  #port = 0
  #exceeded: 'memory' | 'disk' | undefined

  constructor(context: CellContext, message: StartMessage, log: InstanceLog, guid: string, startedAt: number) {
    this.#context = context
    this.#message = message
    this.#log = log
    this.#guid = guid
    this.#startedAt = startedAt
    this.#directory = join(context.directories.instances, guid)
    this.#family = new ProcessFamily(context.table, guid)
  }

  get port(): number {
    return this.#port
  }

  /** Makes the folder with the unpacked droplet and takes a port. Throws StartFailure. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { cellId, directories, ports, user, config, monitor } = this.#context
    const { stack, limits } = this.#message
    this.#log.cell(`Cell ${cellId} creating container for instance ${this.#guid}`)
    if (stack && !config.stacks.includes(stack))
      throw new StartFailure(`the stack ${stack} is not available on this cell`)
    await writeRecord(directories.records, this.#record([]))
    try {
      this.#port = await ports.take()
    } catch (cause) {
      throw new StartFailure('insufficient resources: ports', { cause })
    }
    await mkdir(this.#directory, { mode: 0o700 })
    monitor.watch({
      family: this.#family,
      directory: this.#directory,
      memoryLimitInBytes: limits.mem * 1024 ** 2,
      diskLimitInBytes: limits.disk * 1024 ** 2,
      exceeded: (resource) => this.#exceed(resource),
    })
    this.#log.cell(`Cell ${cellId} successfully created container for instance ${this.#guid}`)
    await this.#unpackDroplet(signal)
    for (const name of ['app', 'deps', 'profile.d', 'tmp', 'logs'])
      await mkdir(join(this.#directory, name), { recursive: true, mode: 0o755 })
    await giveTo(user, this.#directory)
    void monitor.measureDisk(this.#guid)
  }

  /** Starts the process and its sidecars. Once they run, `ended` resolves at the first end of any of them. Throws StartFailure. */
  async run(): Promise<{ ended: Promise<Ending> }> {
    const { process_type: type, sidecars } = this.#message
    const command = await this.#startCommand()
    const endings: Promise<Ending>[] = []
    for (const sidecar of sidecars)
      endings.push(
        (await this.#startOne(logSource(type, sidecar.name), sidecar.command, sidecar.memory_in_mb ?? undefined)).ended,
      )
    endings.push((await this.#startOne(logSource(type), command, undefined)).ended)
    return { ended: Promise.race(endings) }
  }

  /** Ends all processes as a stop does, and answers the main one's exit status. */
  async terminate(): Promise<number> {
    await this.#family.terminate(this.#context.config.gracefulStopInSeconds * 1000)
    return (await this.#processes.at(-1)?.process.exited) ?? -1
  }

  /** Ends what still runs (with time to end well, if `gracefully`), and gives everything back. */
  async destroy(gracefully: boolean): Promise<void> {
    const { config, directories, monitor, ports } = this.#context
    await this.#family.terminate(gracefully ? config.gracefulStopInSeconds * 1000 : 0)
    monitor.unwatch(this.#guid)
    await Promise.all(this.#processes.map(({ process }) => process.drain(drainTimeoutInMs)))
    await removeTree(this.#directory)
    ports.release(this.#port)
    await removeRecord(directories.records, this.#guid)
  }

  async #unpackDroplet(signal: AbortSignal): Promise<void> {
    const { droplets, config } = this.#context
    const { sha1, executableUri, limits } = this.#message
    this.#log.cell('Downloading droplet...')
    try {
      await droplets.lend(sha1 ?? undefined, executableUri ?? undefined, signal, async (file, downloadedInBytes) => {
        this.#log.cell(
          downloadedInBytes === undefined
            ? 'Downloaded droplet'
            : `Downloaded droplet (${byteSize(downloadedInBytes)})`,
        )
        const { maxEntries } = config.archives
        await untar(file, this.#directory, { maxEntries, maxSizeInBytes: limits.disk * 1024 ** 2 }, signal)
      })
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof TransferError)
        throw new StartFailure(`Downloading droplet failed: ${cause.message}`, { cause })
      if (cause instanceof ArchiveError) throw new StartFailure(`Unpacking droplet failed: ${cause.message}`, { cause })
      throw cause
    }
  }

  async #startCommand(): Promise<string> {
    const given = this.#message.start_command
    if (given) return given
    const detected = this.#message.process_type === 'web' ? await this.#detectedCommand() : undefined
    if (detected) return detected
    throw new StartFailure('no start command specified or detected in droplet')
  }

  /** What staging has left in the droplet, which a user may have made. */
  async #detectedCommand(): Promise<string | undefined> {
    const name = 'staging_info.yml'
    try {
      const text = await readContainedFile(this.#directory, name)
      if (text === undefined) return undefined
      const { parse } = await import('yaml')
      return StagingInfo.parse(parse(text)).start_command ?? undefined
    } catch (cause) {
      throw new StartFailure(`the droplet's ${name} can't be read`, { cause })
    }
  }

  async #startOne(
    source: string,
    command: string,
    memoryInMb: number | undefined,
  ): Promise<{ ended: Promise<Ending> }> {
    const { config, directories, user, path } = this.#context
    const { limits } = this.#message
    const environment = instanceEnvironment(this.#message, {
      guid: this.#guid,
      directory: this.#directory,
      host: config.host,
      port: this.#port,
      path,
      startedAt: this.#startedAt,
    })
    let process: SupervisedProcess
    try {
      process = await startProcess({
        file: bash,
        args: launcherArguments(join(this.#directory, 'app'), command, limits.fds),
        cwd: this.#directory,
        environment: memoryInMb === undefined ? environment : { ...environment, MEMORY_LIMIT: `${memoryInMb}m` },
        user,
        pipeDirectory: directories.pipes,
        write: this.#log.writerFor(source),
      })
    } catch (cause) {
      throw new StartFailure(`could not start the process: ${(cause as Error).message}`, { cause })
    }
    this.#family.addLeader(process.pid)
    this.#processes.push({ source, process })
    await this.#recordLeaders()
    const ended = process.exited.then(async (exitStatus): Promise<Ending> => {
      await process.drain(drainTimeoutInMs)
      const why =
        this.#exceeded === 'memory' ? ' (out of memory)' : this.#exceeded === 'disk' ? ' (disk quota exceeded)' : ''
      this.#log.about(source, `Exit status ${exitStatus}${why}`)
      return this.#exceeded === undefined
        ? { kind: 'exited', source, exitStatus }
        : { kind: 'exceeded', resource: this.#exceeded }
    })
    return { ended }
  }

  #exceed(resource: 'memory' | 'disk'): void {
    this.#exceeded = resource
    this.#log.cell(
      resource === 'memory' ? 'Instance exceeded its memory limit' : 'Instance exceeded its disk quota',
      'ERR',
    )
    this.#family.kill().catch((error: unknown) => {
      this.#context.logger.error({ err: error, instance: this.#guid }, 'could not kill an instance over its limits')
    })
  }

  async #recordLeaders(): Promise<void> {
    const { directories, table } = this.#context
    const found = await Promise.all(this.#processes.map(({ process }) => table.find(process.pid)))
    const leaders = found.flatMap((entry) => (entry ? [{ pid: entry.pid, startTime: entry.startTime }] : []))
    await writeRecord(directories.records, this.#record(leaders))
  }

  #record(leaders: { pid: number; startTime: string }[]) {
    return { guid: this.#guid, directory: this.#directory, bootId: this.#context.table.bootId, leaders }
  }
}

import type { Logger } from 'pino'
import { diskUsage } from './disk-usage.ts'
import type { ProcessFamily } from './process-family.ts'
import type { ProcessEntry, ProcessTable } from './process-table.ts'

export interface Usage {
  /** Cores used on average in the last quarter of a minute, or since the measuring began: 0.05 is 5 % of one. */
  readonly cpu: number
  readonly memoryInBytes: number
  readonly diskInBytes: number
}

export interface Watched {
  readonly family: ProcessFamily
  readonly directory: string
  readonly memoryLimitInBytes: number
  readonly diskLimitInBytes: number
  /** Called once, when the first limit is exceeded. */
  readonly exceeded: (resource: 'memory' | 'disk') => void
}

interface Watch extends Watched {
  usage: Usage
  /** pid → CPU seconds at the last sample. */
  cpuInSeconds: Map<number, number>
  /** CPU seconds of all members since the watch began, as they grew; the oldest first. */
  cpuSamples: CpuSample[]
  hasExceeded: boolean
}

interface CpuSample {
  readonly at: number
  readonly spentInSeconds: number
}

const shortestCpuSampleInMs = 250
/** As long as a cell of Cloud Foundry averages (executor's container metrics); the CPU of a single second says little of an app. */
const cpuWindowInMs = 15_000

/** Measures instances and staging tasks at intervals, and says when one exceeds its limits. Killing is up to who watches. */
export class ResourceMonitor {
  readonly #table: ProcessTable
  readonly #logger: Logger
  readonly #watches = new Map<string, Watch>()
  readonly #timers: NodeJS.Timeout[]
  readonly #now: () => number
  #samplingUsage = false
  #samplingDisk = false
  readonly #diskMeasurements = new Set<Promise<void>>()

  constructor(
    table: ProcessTable,
    logger: Logger,
    intervals: { usageSampleInMs: number; diskSampleInMs: number },
    now = () => performance.now(),
  ) {
    this.#table = table
    this.#logger = logger
    this.#now = now
    this.#timers = [
      setInterval(() => void this.sampleUsage(), intervals.usageSampleInMs),
      setInterval(() => void this.sampleDisk(), intervals.diskSampleInMs),
    ]
  }

  watch(watched: Watched): void {
    this.#watches.set(watched.family.guid, {
      ...watched,
      usage: { cpu: 0, memoryInBytes: 0, diskInBytes: 0 },
      cpuInSeconds: new Map(),
      cpuSamples: [{ at: this.#now(), spentInSeconds: 0 }],
      hasExceeded: false,
    })
  }

  /**
   * Measures one at once, for whoever asks right after its start. Its CPU counts from here on: what the start took is not what it needs.
   * Never rejects.
   */
  async beginAnew(guid: string): Promise<void> {
    const watch = this.#watches.get(guid)
    if (!watch) return
    const disk = this.measureDisk(guid)
    try {
      this.#measure(watch, watch.family.members(await this.#table.snapshot()))
      watch.cpuSamples = watch.cpuSamples.slice(-1)
      watch.usage = { ...watch.usage, cpu: 0 }
    } catch (error) {
      this.#logger.warn({ err: error }, 'could not measure an instance')
    }
    await disk
  }

  unwatch(guid: string): void {
    this.#watches.delete(guid)
  }

  usage(guid: string): Usage | undefined {
    return this.#watches.get(guid)?.usage
  }

  /** Resolves when nothing is measured any more, and no process of the measuring is left. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#diskMeasurements)
  }

  /** Never rejects: a failed look is logged, the next one comes. */
  async sampleUsage(): Promise<void> {
    if (this.#samplingUsage || this.#watches.size === 0) return
    this.#samplingUsage = true
    try {
      const snapshot = await this.#table.snapshot()
      for (const watch of this.#watches.values()) this.#measure(watch, watch.family.members(snapshot))
    } catch (error) {
      this.#logger.warn({ err: error }, 'could not measure the instances')
    } finally {
      this.#samplingUsage = false
    }
  }

  async sampleDisk(): Promise<void> {
    if (this.#samplingDisk || this.#watches.size === 0) return
    this.#samplingDisk = true
    await this.#measureDiskOf([...this.#watches.values()])
    this.#samplingDisk = false
  }

  /** Measures the folder of one, without waiting for the next look at all. Never rejects. */
  async measureDisk(guid: string): Promise<void> {
    const watch = this.#watches.get(guid)
    if (watch) await this.#measureDiskOf([watch])
  }

  async #measureDiskOf(watches: readonly Watch[]): Promise<void> {
    const measurement = diskUsage(watches.map(({ directory }) => directory)).then((usage) => {
      for (const watch of watches) {
        const diskInBytes = usage.get(watch.directory)
        if (diskInBytes === undefined) continue
        watch.usage = { ...watch.usage, diskInBytes }
        if (diskInBytes > watch.diskLimitInBytes) this.#exceed(watch, 'disk')
      }
    })
    this.#diskMeasurements.add(measurement)
    await measurement
    this.#diskMeasurements.delete(measurement)
  }

  #measure(watch: Watch, members: readonly ProcessEntry[]): void {
    const memoryInBytes = this.#memory(members, watch.memoryLimitInBytes)
    watch.usage = { ...watch.usage, cpu: this.#cpu(watch, members), memoryInBytes }
    if (memoryInBytes > watch.memoryLimitInBytes) this.#exceed(watch, 'memory')
  }

  /** Cores used in the window. The system counts in hundredths of a second, so a moment is too short to tell. */
  #cpu(watch: Watch, members: readonly ProcessEntry[]): number {
    const at = this.#now()
    let spentInSeconds = watch.cpuSamples.at(-1)?.spentInSeconds ?? 0
    const cpuInSeconds = new Map<number, number>()
    for (const { pid, cpuInSeconds: total } of members) {
      cpuInSeconds.set(pid, total)
      spentInSeconds += Math.max(0, total - (watch.cpuInSeconds.get(pid) ?? 0))
    }
    watch.cpuInSeconds = cpuInSeconds
    watch.cpuSamples.push({ at, spentInSeconds })
    // The first one that stays is as old as the window, or older when the cell has not looked for a while.
    while ((watch.cpuSamples[1]?.at ?? at) <= at - cpuWindowInMs) watch.cpuSamples.shift()
    const [oldest] = watch.cpuSamples
    if (!oldest || at - oldest.at < shortestCpuSampleInMs) return watch.usage.cpu
    return ((spentInSeconds - oldest.spentInSeconds) * 1000) / (at - oldest.at)
  }

  /**
   * Resident memory of all members. Processes that forked from one another share pages, which the plain sum counts many
   * times; so before a verdict (and only then, it is dear) the shared pages are divided.
   */
  #memory(members: readonly ProcessEntry[], limitInBytes: number): number {
    const resident = members.map(({ pid }) => this.#table.residentBytes(pid))
    const sum = resident.reduce((total, bytes) => total + bytes, 0)
    if (sum <= limitInBytes) return sum
    return members.reduce(
      (total, { pid }, index) => total + (this.#table.proportionalBytes(pid) ?? resident[index] ?? 0),
      0,
    )
  }

  #exceed(watch: Watch, resource: 'memory' | 'disk'): void {
    if (watch.hasExceeded) return
    watch.hasExceeded = true
    watch.exceeded(resource)
  }
}

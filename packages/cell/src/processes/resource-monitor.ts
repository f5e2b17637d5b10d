import type { Logger } from 'pino'
import { diskUsage } from './disk-usage.ts'
import type { ProcessFamily } from './process-family.ts'
import type { ProcessEntry, ProcessTable } from './process-table.ts'

export interface Usage {
  /** Fraction of one core: 0.05 is 5 %. */
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
  sampledAt: number
  hasExceeded: boolean
}

const shortestCpuSampleInMs = 250

/** Measures instances and staging tasks at intervals, and says when one exceeds its limits. Killing is up to who watches. */
export class ResourceMonitor {
  readonly #table: ProcessTable
  readonly #logger: Logger
  readonly #watches = new Map<string, Watch>()
  readonly #timers: NodeJS.Timeout[]
  #samplingUsage = false
  #samplingDisk = false

  constructor(table: ProcessTable, logger: Logger, intervals: { usageSampleInMs: number; diskSampleInMs: number }) {
    this.#table = table
    this.#logger = logger
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
      sampledAt: performance.now(),
      hasExceeded: false,
    })
    void this.sampleDisk()
  }

  unwatch(guid: string): void {
    this.#watches.delete(guid)
  }

  usage(guid: string): Usage | undefined {
    return this.#watches.get(guid)?.usage
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
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
    try {
      const usage = await diskUsage([...this.#watches.values()].map(({ directory }) => directory))
      for (const watch of this.#watches.values()) {
        const diskInBytes = usage.get(watch.directory)
        if (diskInBytes === undefined) continue
        watch.usage = { ...watch.usage, diskInBytes }
        if (diskInBytes > watch.diskLimitInBytes) this.#exceed(watch, 'disk')
      }
    } finally {
      this.#samplingDisk = false
    }
  }

  #measure(watch: Watch, members: readonly ProcessEntry[]): void {
    const memoryInBytes = this.#memory(members, watch.memoryLimitInBytes)
    watch.usage = { ...watch.usage, cpu: this.#cpu(watch, members), memoryInBytes }
    if (memoryInBytes > watch.memoryLimitInBytes) this.#exceed(watch, 'memory')
  }

  /** Cores used since the last sample. The system counts in hundredths of a second, so a moment is too short to tell. */
  #cpu(watch: Watch, members: readonly ProcessEntry[]): number {
    const now = performance.now()
    const elapsedInMs = now - watch.sampledAt
    if (elapsedInMs < shortestCpuSampleInMs) return watch.usage.cpu
    let spentInSeconds = 0
    const cpuInSeconds = new Map<number, number>()
    for (const { pid, cpuInSeconds: total } of members) {
      cpuInSeconds.set(pid, total)
      spentInSeconds += total - (watch.cpuInSeconds.get(pid) ?? 0)
    }
    watch.cpuInSeconds = cpuInSeconds
    watch.sampledAt = now
    return Math.max(0, (spentInSeconds * 1000) / elapsedInMs)
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

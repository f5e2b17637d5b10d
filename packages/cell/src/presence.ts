import { type DeaAdvertisement, type DeaShutdown, type Heartbeat, subjects } from '@vcap/protocol'
import type { Bus } from './bus.ts'
import type { Capacity } from './capacity.ts'
import type { CellConfig } from './config.ts'
import type { Instance } from './instances/instance.ts'

/** Changes that come together are told together. */
const promptlyInMs = 20

/** What the cell tells of itself on the bus: that it is there and what it has to give, and which instances it has. */
export class Presence {
  readonly #bus: Bus
  readonly #cellId: string
  readonly #config: CellConfig
  readonly #capacity: Capacity
  readonly #instances: () => Iterable<Instance>
  #timers: NodeJS.Timeout[] = []
  #advertiseSoon: NodeJS.Timeout | undefined
  #heartbeatSoon: NodeJS.Timeout | undefined
  #isPresent = false

  constructor(bus: Bus, cellId: string, config: CellConfig, capacity: Capacity, instances: () => Iterable<Instance>) {
    this.#bus = bus
    this.#cellId = cellId
    this.#config = config
    this.#capacity = capacity
    this.#instances = instances
  }

  start(): void {
    this.#isPresent = true
    const { advertiseInMs, heartbeatInMs } = this.#config.intervals
    this.advertise()
    this.heartbeat()
    this.#timers = [
      setInterval(() => this.advertise(), advertiseInMs),
      setInterval(() => this.heartbeat(), heartbeatInMs),
    ]
  }

  /** Says good-bye, once. No Cloud Controller gives this cell anything after that. */
  stop(): void {
    if (!this.#isPresent) return
    this.#isPresent = false
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#advertiseSoon)
    clearTimeout(this.#heartbeatSoon)
    const shutdown: DeaShutdown & { app_id_to_count: Record<string, number> } = {
      id: this.#cellId,
      ip: this.#config.host,
      version: '0.1.0',
      app_id_to_count: this.#counts(),
    }
    this.#bus.publish(subjects.deaShutdown, shutdown)
  }

  /** Advertises shortly, together with other changes of that moment. */
  capacityChanged(): void {
    this.#advertiseSoon ??= setTimeout(() => this.advertise(), promptlyInMs)
  }

  instancesChanged(): void {
    this.capacityChanged()
    this.#heartbeatSoon ??= setTimeout(() => this.heartbeat(), promptlyInMs)
  }

  advertise(): void {
    clearTimeout(this.#advertiseSoon)
    this.#advertiseSoon = undefined
    if (!this.#isPresent) return
    const { memoryInMb, diskInMb } = this.#capacity.available
    const advertisement: DeaAdvertisement = {
      id: this.#cellId,
      stacks: this.#config.stacks,
      available_memory: memoryInMb,
      available_disk: diskInMb,
      app_id_to_count: this.#counts(),
      placement_properties: { zone: this.#config.zone },
      url: null,
    }
    this.#bus.publish(subjects.deaAdvertise, advertisement)
  }

  heartbeat(): void {
    clearTimeout(this.#heartbeatSoon)
    this.#heartbeatSoon = undefined
    if (!this.#isPresent) return
    const beating = [...this.#instances()].filter(({ phase: { state } }) =>
      ['STARTING', 'RUNNING', 'CRASHED'].includes(state),
    )
    const heartbeat: Heartbeat = {
      dea: this.#cellId,
      droplets: beating.map((instance) => ({
        cc_partition: instance.message.cc_partition,
        droplet: instance.message.droplet,
        version: instance.version,
        instance: instance.guid,
        index: instance.message.index,
        state: instance.phase.state,
        state_timestamp: instance.phase.since / 1000,
      })),
    }
    this.#bus.publish(subjects.deaHeartbeat, heartbeat)
  }

  /** Instances of each process, in any state. */
  #counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { message } of this.#instances()) counts[message.droplet] = (counts[message.droplet] ?? 0) + 1
    return counts
  }
}

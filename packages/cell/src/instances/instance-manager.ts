import { availableParallelism } from 'node:os'
import {
  type DropletExited,
  type FindDropletReply,
  type FindDropletRequest,
  type StartMessage,
  type StopMessage,
  subjects,
  type UpdateMessage,
} from '@vcap/protocol'
import type { Bus } from '../bus.ts'
import type { CellContext } from '../cell-context.ts'
import { findDropletReply, isAskedFor, matches } from './find-droplet.ts'
import { Instance, type InstanceObserver } from './instance.ts'
import type { CrashReport, InstancePhase } from './instance-phase.ts'
import { RouteRegistrar } from './route-registrar.ts'

/** All instances of the cell: carries out the orders that come over the bus, and tells the bus what becomes of them. */
export class InstanceManager implements InstanceObserver {
  readonly #context: CellContext
  readonly #bus: Bus
  readonly #routes: RouteRegistrar
  readonly #changed: () => void
  readonly #instances = new Set<Instance>()
  readonly #ending = new Set<Promise<void>>()
  readonly #timers: NodeJS.Timeout[]
  #isStopping = false

  constructor(context: CellContext, bus: Bus, changed: () => void) {
    this.#context = context
    this.#bus = bus
    this.#changed = changed
    const { config, cellId, will } = context
    this.#routes = new RouteRegistrar(bus, cellId, config.host, will)
    this.#timers = [
      setInterval(() => this.registerRoutes(), config.intervals.routerRegisterInMs),
      setInterval(() => this.#publishMetrics(this.#instances), config.intervals.containerMetricsInMs),
      setInterval(() => this.#forgetOldCrashes(), Math.min(60_000, config.crashLifetimeInSeconds * 500)),
    ]
  }

  [Symbol.iterator](): Iterator<Instance> {
    return this.#instances.values()
  }

  /** `dea.<id>.start`. Without room the instance is there all the same, as one that has crashed. */
  start(message: StartMessage): void {
    if (this.#isStopping) return
    this.#forgetCrashesOf(message)
    const instance = new Instance(this.#context, message, this)
    this.#instances.add(instance)
    const reservation = this.#context.capacity.reserve({
      memoryInMb: message.limits.mem,
      diskInMb: message.limits.disk,
    })
    if (typeof reservation === 'string')
      instance.failToStart({ exitStatus: -1, description: `insufficient resources: ${reservation}` })
    else instance.start(reservation)
  }

  /** `dea.stop`. A crashed instance that is meant is forgotten: it has nothing to stop. */
  stop({ droplet, version, indices, instances }: StopMessage): void {
    for (const instance of this.#instances) {
      if (instance.message.droplet !== droplet || !matches(instance, { version, indices, instances })) continue
      if (instance.phase.state === 'CRASHED') {
        this.#instances.delete(instance)
        this.#changed()
      } else this.#end(instance)
    }
  }

  /** `dea.update`: for running instances of every version. */
  update({ droplet, uris, version }: UpdateMessage): void {
    for (const instance of this.#instances) {
      const { state } = instance.phase
      if (instance.message.droplet !== droplet || (state !== 'RUNNING' && state !== 'STARTING')) continue
      const before = instance.uris
      instance.update(uris, version)
      if (!instance.isRoutable) continue
      this.#routes.register(instance, added(before, uris))
      this.#routes.unregister(instance, added(uris, before))
    }
    this.#changed()
  }

  /** `dea.find.droplet`: a reply for each instance that is meant. */
  find(request: FindDropletRequest): FindDropletReply[] {
    const { cellId, config } = this.#context
    return [...this.#instances]
      .filter((instance) => isAskedFor(instance, request))
      .map((instance) =>
        findDropletReply(
          cellId,
          { host: config.host, entitledCores: this.#entitledCores(instance) },
          instance,
          request.include_stats ?? false,
        ),
      )
  }

  registerRoutes(): void {
    for (const instance of this.#instances) if (instance.isRoutable) this.#routes.register(instance)
  }

  /** Stops every instance, all at the same time, and takes no new ones. Resolves when nothing is left of any. */
  async stopAll(): Promise<void> {
    this.#isStopping = true
    for (const timer of this.#timers) clearInterval(timer)
    for (const instance of this.#instances) this.#end(instance)
    await Promise.all(this.#ending)
  }

  phaseChanged(instance: Instance, _from: InstancePhase): void {
    const { phase } = instance
    if (phase.state === 'CRASHED') {
      this.#reportCrash(instance, phase.crash)
      // It has ended by itself; what is left of it is cleared away meanwhile, and a stop of the cell waits for that.
      this.#end(instance)
    }
    if (phase.state === 'STOPPED') this.#instances.delete(instance)
    if (phase.state === 'RUNNING') setTimeout(() => this.#publishMetrics([instance]), 100).unref()
    this.#changed()
  }

  routableChanged(instance: Instance): void {
    if (instance.isRoutable) this.#routes.register(instance)
    else this.#routes.unregister(instance)
  }

  #end(instance: Instance): void {
    const ending = instance.stop().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }

  #reportCrash(instance: Instance, crash: CrashReport): void {
    const { message, phase } = instance
    const exited: DropletExited = {
      cc_partition: message.cc_partition,
      droplet: message.droplet,
      version: instance.version,
      instance: instance.guid,
      index: message.index,
      reason: 'CRASHED',
      exit_status: crash.exitStatus,
      exit_description: crash.description,
      crash_timestamp: Math.floor(phase.since / 1000),
    }
    // Its last words first: whoever hears of the crash looks for them.
    this.#context.publisher.flush()
    this.#bus.publish(subjects.dropletExited, exited)
  }

  /** One crash is remembered for each index of a process: the last. */
  #forgetCrashesOf({ droplet, index }: StartMessage): void {
    for (const old of this.#instances)
      if (old.phase.state === 'CRASHED' && old.message.droplet === droplet && old.message.index === index)
        this.#instances.delete(old)
  }

  /** Cores are shared out by memory, as Diego's CPU shares are. */
  #entitledCores({ message }: Instance): number {
    return (availableParallelism() * message.limits.mem) / this.#context.capacity.total.memoryInMb
  }

  #forgetOldCrashes(): void {
    const before = Date.now() - this.#context.config.crashLifetimeInSeconds * 1000
    for (const old of this.#instances) {
      if (old.phase.state !== 'CRASHED' || old.phase.since > before) continue
      this.#instances.delete(old)
      this.#changed()
    }
  }

  /** As Diego's executor does every 15 seconds (executor depot/containerstore/... container metrics). */
  #publishMetrics(instances: Iterable<Instance>): void {
    for (const instance of instances) {
      const { usage, message, log } = instance
      if (instance.phase.state !== 'RUNNING' || !usage) continue
      const bytes = (value: number) => ({ unit: 'bytes', value })
      this.#context.publisher.gauge(log.sourceId, String(message.index), log.tags, {
        cpu: { unit: 'percentage', value: usage.cpu * 100 },
        memory: bytes(usage.memoryInBytes),
        disk: bytes(usage.diskInBytes),
        memory_quota: bytes(message.limits.mem * 1024 ** 2),
        disk_quota: bytes(message.limits.disk * 1024 ** 2),
      })
      this.#context.publisher.gauge(log.sourceId, String(message.index), log.tags, {
        log_rate: { unit: 'B/s', value: log.measureRate() },
        log_rate_limit: { unit: 'B/s', value: message.limits.log_rate ?? -1 },
      })
      this.#context.publisher.gauge(log.sourceId, String(message.index), log.tags, {
        container_age: { unit: 'nanoseconds', value: instance.uptimeInSeconds * 1e9 },
      })
    }
  }
}

/** What the second list has and the first has not. */
function added(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((uri) => !before.includes(uri))
}

import { randomBytes } from 'node:crypto'
import type { StartMessage } from '@vcap/protocol'
import type { Reservation } from '../capacity.ts'
import type { CellContext } from '../cell-context.ts'
import type { Usage } from '../processes/resource-monitor.ts'
import { Container, type Ending, StartFailure } from './container.ts'
import { HealthMonitor } from './health-monitor.ts'
import { InstanceLog, logSource } from './instance-log.ts'
import { assertMayFollow, type CrashReport, type InstancePhase } from './instance-phase.ts'

/** What an instance tells the cell; called at once, in order, and never to throw. */
export interface InstanceObserver {
  phaseChanged(instance: Instance, from: InstancePhase): void
  routableChanged(instance: Instance): void
}

/** Raised inside an instance's life when it is told to stop. */
class StopRequested extends Error {}

/**
 * One instance of a process, from the start message to its end. It goes through the phases of InstancePhase by itself; the
 * cell watches through the observer, and may stop it or give it new routes. It never restarts itself: that is for the
 * Cloud Controller to order.
 */
export class Instance {
  readonly message: StartMessage
  readonly log: InstanceLog
  /** What the app knows itself by (CF_INSTANCE_GUID); stays when the guid on the bus changes. */
  readonly containerGuid = randomBytes(16).toString('hex')
  readonly #context: CellContext
  readonly #observer: InstanceObserver
  readonly #stop = new AbortController()
  #guids: string[] = [this.containerGuid]
  #version: string
  #uris: readonly string[]
  #phase: InstancePhase = { state: 'BORN', since: Date.now() }
  #startedAt = 0
  #routable = false
  #container: Container | undefined
  #life: Promise<void> = Promise.resolve()

  constructor(context: CellContext, message: StartMessage, observer: InstanceObserver) {
    this.#context = context
    this.message = message
    this.#observer = observer
    this.#version = message.version
    this.#uris = message.uris
    this.log = new InstanceLog(context.publisher, message, this.containerGuid)
  }

  /** Its guid on the bus. */
  get guid(): string {
    return this.#guids.at(-1) ?? this.containerGuid
  }
  get phase(): InstancePhase {
    return this.#phase
  }
  get version(): string {
    return this.#version
  }
  get uris(): readonly string[] {
    return this.#uris
  }
  get port(): number {
    return this.#container?.port ?? 0
  }
  /** Whether routers should send requests: it runs, and passes its readiness check if it has one. */
  get isRoutable(): boolean {
    return this.#routable
  }
  get usage(): Usage | undefined {
    return this.#context.monitor.usage(this.containerGuid)
  }
  /** Whole seconds since STARTING. */
  get uptimeInSeconds(): number {
    return this.#startedAt === 0 ? 0 : Math.floor((Date.now() - this.#startedAt) / 1000)
  }

  /** Whether it is or was known by that guid: an order may have been sent before an update changed it. */
  isKnownAs(guid: string): boolean {
    return this.#guids.includes(guid)
  }

  /** Starts it with what was reserved for it. Returns at once; the observer hears of all that follows. */
  start(reservation: Reservation): void {
    this.#startedAt = Date.now()
    this.#enter({ state: 'STARTING', since: this.#startedAt })
    this.#life = this.#live(reservation)
  }

  /** For an instance that can't even be started. */
  failToStart(crash: CrashReport): void {
    this.#enter({ state: 'CRASHED', since: Date.now(), crash })
  }

  /** SIGTERM to the whole tree, SIGKILL after the configured time. Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    const { state } = this.#phase
    if (state === 'BORN') this.#enter({ state: 'STOPPED', since: Date.now() })
    if (state === 'STARTING' || state === 'RUNNING') {
      this.log.cell(`Cell ${this.#context.cellId} stopping instance ${this.containerGuid}`)
      this.#setRoutable(false)
      this.#enter({ state: 'STOPPING', since: Date.now() })
      this.#stop.abort(new StopRequested())
    }
    await this.#life
  }

  /** Adopts the routes, and the version if it is another; a new version brings a new guid (dea_ng lib/dea/bootstrap.rb). */
  update(uris: readonly string[], version: string | undefined): void {
    this.#uris = uris
    if (version === undefined || version === this.#version) return
    this.#version = version
    this.#guids.push(randomBytes(16).toString('hex'))
  }

  /** Never rejects. */
  async #live(reservation: Reservation): Promise<void> {
    const { logger, cellId } = this.#context
    const container = new Container(this.#context, this.message, this.log, this.containerGuid, this.#startedAt)
    this.#container = container
    try {
      const crash = await this.#runUntilEnd(container)
      this.#setRoutable(false)
      if (!this.#stop.signal.aborted) this.#enter({ state: 'CRASHED', since: Date.now(), crash })
    } catch (error) {
      if (!(error instanceof StopRequested)) {
        logger.error({ err: error, instance: this.containerGuid }, 'instance failed in an unforeseen way')
        this.#setRoutable(false)
        if (!this.#stop.signal.aborted)
          this.#enter({
            state: 'CRASHED',
            since: Date.now(),
            crash: { exitStatus: -1, description: 'internal error of the cell' },
          })
      }
    }
    try {
      this.log.cell(`Cell ${cellId} destroying container for instance ${this.containerGuid}`)
      await container.destroy(this.#phase.state === 'STOPPING')
      this.log.cell(`Cell ${cellId} successfully destroyed container for instance ${this.containerGuid}`)
    } catch (error) {
      logger.error({ err: error, instance: this.containerGuid }, 'could not clear up after an instance')
    }
    reservation.release()
    if (this.#phase.state === 'STOPPING') this.#enter({ state: 'STOPPED', since: Date.now() })
  }

  /** The instance's whole life. Answers how it crashed; throws StopRequested when it was told to stop. */
  async #runUntilEnd(container: Container): Promise<CrashReport> {
    const { signal } = this.#stop
    const over = new AbortController()
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    stopped.catch(() => undefined)
    try {
      signal.throwIfAborted()
      await container.prepare(signal)
      const { ended } = await container.run()
      this.log.cell('Starting health monitoring of container')
      const { config } = this.#context
      const health = new HealthMonitor(
        config,
        this.message,
        container.port,
        this.log,
        AbortSignal.any([signal, over.signal]),
      )
      const failed = await Promise.race([health.untilHealthy(), ended, stopped])
      signal.throwIfAborted()
      if (failed) return await this.#report(container, failed)
      this.log.cell('Container became healthy')
      this.#enter({ state: 'RUNNING', since: Date.now() })
      void this.#context.monitor.beginAnew(this.containerGuid)
      const readiness = health.watchReadiness((isReady) => this.#setRoutable(isReady))
      // A fault of the watch is the cell's own, and ends the instance as one.
      const broken = readiness.then(() => new Promise<never>(() => undefined))
      const ending = await Promise.race([health.untilUnhealthy(), ended, stopped, broken])
      over.abort()
      return await this.#report(container, ending)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!(error instanceof StartFailure)) throw error
      this.log.cell(error.message, 'ERR')
      return { exitStatus: error.exitStatus, description: error.message }
    } finally {
      over.abort()
    }
  }

  async #report(container: Container, ending: Ending): Promise<CrashReport> {
    switch (ending.kind) {
      case 'exited':
        return {
          exitStatus: ending.exitStatus,
          description: `${ending.source}: Exited with status ${ending.exitStatus}`,
        }
      case 'exceeded': {
        const why = ending.resource === 'memory' ? 'out of memory' : 'disk quota exceeded'
        const source = logSource(this.message.process_type)
        return { exitStatus: 137, description: `${source}: Exited with status 137 (${why})` }
      }
      case 'unhealthy': {
        this.#setRoutable(false)
        const exitStatus = await container.terminate()
        return { exitStatus, description: ending.reason }
      }
      default:
        return unreachable(ending)
    }
  }

  #setRoutable(routable: boolean): void {
    if (this.#routable === routable) return
    this.#routable = routable
    this.#observer.routableChanged(this)
  }

  #enter(next: InstancePhase): void {
    const from = this.#phase
    assertMayFollow(from.state, next.state)
    this.#phase = next
    this.#observer.phaseChanged(this, from)
  }
}

function unreachable(ending: never): never {
  throw new Error(`unknown ending ${JSON.stringify(ending)}`)
}

import type { StartMessage } from '@vcap/protocol'
import type { CellConfig } from '../config.ts'
import type { Ending } from './container.ts'
import { goDuration, type Probe, probeOf, runProbe } from './health-check.ts'
import type { InstanceLog } from './instance-log.ts'

/** Watches the health of one instance, from its start until `signal` says that it is over. */
export class HealthMonitor {
  readonly #liveness: Probe
  readonly #readiness: Probe
  readonly #startupProbeInMs: number
  readonly #port: number
  readonly #log: InstanceLog
  readonly #signal: AbortSignal

  constructor(config: CellConfig, message: StartMessage, port: number, log: InstanceLog, signal: AbortSignal) {
    const timeoutInSeconds = message.health_check_timeout || config.healthCheckTimeoutInSeconds
    const intervalInSeconds = config.healthCheckIntervalInSeconds
    // An older Cloud Controller says nothing; then routes tell whether the app listens (dea_ng lib/dea/starting/instance.rb).
    const type = message.uris.length > 0 ? 'port' : 'process'
    this.#liveness = probeOf(message.health_check, { type, timeoutInSeconds, intervalInSeconds })
    this.#readiness = probeOf(message.readiness_health_check, { type: 'process', timeoutInSeconds, intervalInSeconds })
    this.#startupProbeInMs = config.intervals.startupProbeInMs
    this.#port = port
    this.#log = log
    this.#signal = signal
  }

  /** Resolves with undefined once healthy (or over), or with the reason when the time is over. */
  async untilHealthy(): Promise<Ending | undefined> {
    const { startTimeoutInMs } = this.#liveness
    const deadline = performance.now() + startTimeoutInMs
    for (;;) {
      const fault = await runProbe(this.#liveness, this.#port)
      if (fault === undefined || this.#signal.aborted) return undefined
      if (performance.now() >= deadline) {
        const limit = goDuration(startTimeoutInMs)
        this.#log.health(fault)
        this.#log.cell(`Failed after ${limit}: startup health check never passed.`, 'ERR')
        return { kind: 'unhealthy', reason: `Instance never healthy after ${limit}: ${fault}` }
      }
      await this.#pause(Math.min(this.#startupProbeInMs, Math.max(1, deadline - performance.now())))
    }
  }

  /** Resolves when a check of the running instance fails twice at once (one lost probe is no verdict); never, if it is over before. */
  async untilUnhealthy(): Promise<Ending> {
    while (this.#liveness.type !== 'process') {
      await this.#pause(this.#liveness.intervalInMs)
      if (this.#signal.aborted) break
      const first = await runProbe(this.#liveness, this.#port)
      const fault = first && (await runProbe(this.#liveness, this.#port))
      if (this.#signal.aborted) break
      if (fault === undefined) continue
      this.#log.health(fault)
      this.#log.cell('Container became unhealthy', 'ERR')
      return { kind: 'unhealthy', reason: `Instance became unhealthy: ${fault}` }
    }
    return new Promise<never>(() => undefined)
  }

  /** Without a readiness check a running instance is ready; with one `changed` hears of every change. Resolves when it is over. */
  async watchReadiness(changed: (isReady: boolean) => void): Promise<void> {
    if (this.#readiness.type === 'process') {
      changed(true)
      return
    }
    let wasReady = false
    while (!this.#signal.aborted) {
      const fault = await runProbe(this.#readiness, this.#port)
      if (this.#signal.aborted) return
      const isReady = fault === undefined
      if (isReady !== wasReady) {
        if (fault !== undefined) this.#log.health(fault)
        if (isReady)
          this.#log.cell('Container passed the readiness health check. Container marked ready and added to route pool.')
        else
          this.#log.cell(
            'Container failed the readiness health check. Container marked not ready and removed from route pool.',
            'ERR',
          )
        changed(isReady)
      }
      wasReady = isReady
      const { intervalInMs } = this.#readiness
      await this.#pause(isReady ? intervalInMs : Math.min(intervalInMs, this.#startupProbeInMs * 4))
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#signal.addEventListener('abort', wake, { once: true })
      if (this.#signal.aborted) wake()
    })
  }
}

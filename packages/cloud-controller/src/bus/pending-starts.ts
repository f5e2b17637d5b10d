import type { StartMessage, StopMessage } from '@vcap/protocol'

export interface PendingStart {
  readonly processGuid: string
  readonly version: string
  readonly index: number
  readonly at: number
}

/**
 * Instances that a DEA was told to start and that no heartbeat may have named yet. Without this, the reconciler would start
 * them a second time. Reactor thread.
 */
export class PendingStarts {
  readonly #starts = new Map<string, PendingStart>()
  readonly #lifeInMilliseconds: number
  readonly #now: () => number

  constructor(lifeInSeconds: number, nowInMilliseconds: () => number = Date.now) {
    this.#lifeInMilliseconds = lifeInSeconds * 1000
    this.#now = nowInMilliseconds
  }

  add({ droplet, version, index }: StartMessage): void {
    this.#starts.set(`${droplet}/${version}/${index}`, { processGuid: droplet, version, index, at: this.#now() })
  }

  /** An instance whose crash is known waits for its DEA no longer. */
  settle(processGuid: string, version: string, index: number): void {
    this.#starts.delete(`${processGuid}/${version}/${index}`)
  }

  /** A stop of instances by their guids means none that is pending: its DEA has not given it one yet. */
  forget({ droplet, version, indices, instances }: StopMessage): void {
    if (instances !== undefined) return
    for (const [key, start] of this.#starts) {
      if (start.processGuid !== droplet) continue
      if (version !== undefined && version !== start.version) continue
      if (indices !== undefined && !indices.includes(start.index)) continue
      this.#starts.delete(key)
    }
  }

  all(): PendingStart[] {
    const oldest = this.#now() - this.#lifeInMilliseconds
    for (const [key, start] of this.#starts) if (start.at < oldest) this.#starts.delete(key)
    return [...this.#starts.values()]
  }
}

import type { DropletExited, FindDropletReply, Heartbeat, HeartbeatInstance } from '@vcap/protocol'

/** An instance as its DEA last told. */
export interface KnownInstance extends HeartbeatInstance {
  readonly dea: string
}

interface KnownDea {
  readonly instances: readonly KnownInstance[]
  readonly expiresAt: number
}

/** The actual state: what the heartbeats say. Lives on the reactor thread; a heartbeat replaces all that was known of its DEA. */
export class InstanceRegistry {
  readonly #deas = new Map<string, KnownDea>()
  readonly #timeoutInMilliseconds: number
  readonly #now: () => number

  constructor(heartbeatTimeoutInSeconds: number, nowInMilliseconds: () => number = Date.now) {
    this.#timeoutInMilliseconds = heartbeatTimeoutInSeconds * 1000
    this.#now = nowInMilliseconds
  }

  heartbeat({ dea, droplets }: Heartbeat): void {
    const instances = droplets.map((instance) => ({ ...instance, dea }))
    this.#deas.set(dea, { instances, expiresAt: this.#now() + this.#timeoutInMilliseconds })
  }

  /**
   * A DEA's own answers are as good as its heartbeats, and may be earlier: whoever was told that an instance runs should not be told a
   * moment later that it is starting. What is not younger than what is known changes nothing.
   */
  found(replies: readonly FindDropletReply[]): void {
    for (const { dea: id, droplet, version, instance: guid, index, state, state_timestamp } of replies) {
      const dea = this.#deas.get(id)
      const known = dea?.instances.find(({ instance }) => instance === guid)
      if (!dea || !known || known.state_timestamp >= state_timestamp) continue
      const learned = { ...known, droplet, version, index, state, state_timestamp }
      this.#deas.set(id, { ...dea, instances: dea.instances.map((each) => (each === known ? learned : each)) })
    }
  }

  /** An exit is told before the heartbeat that would show it; until then the instance must not count as alive. */
  exited({ droplet, instance: guid }: Pick<DropletExited, 'droplet' | 'instance'>): void {
    for (const [id, dea] of this.#deas) {
      const instances = dea.instances.map((instance) =>
        instance.droplet === droplet && instance.instance === guid
          ? { ...instance, state: 'CRASHED' as const, state_timestamp: this.#now() / 1000 }
          : instance,
      )
      this.#deas.set(id, { ...dea, instances })
    }
  }

  remove(deaId: string): void {
    this.#deas.delete(deaId)
  }

  /** Every instance of every DEA that is heard of. */
  all(): KnownInstance[] {
    const time = this.#now()
    for (const [id, dea] of this.#deas) if (time >= dea.expiresAt) this.#deas.delete(id)
    return [...this.#deas.values()].flatMap((dea) => dea.instances)
  }

  /** Instances of these processes, by process guid. */
  of(processGuids: readonly string[]): Record<string, KnownInstance[]> {
    const wanted = new Set(processGuids)
    const found: Record<string, KnownInstance[]> = {}
    for (const instance of this.all()) {
      if (!wanted.has(instance.droplet)) continue
      const known = found[instance.droplet]
      if (known) known.push(instance)
      else found[instance.droplet] = [instance]
    }
    return found
  }
}

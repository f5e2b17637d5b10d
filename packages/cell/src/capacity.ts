/** What a cell has left to give; memory and disk in MB (1024²). */
export interface Demand {
  readonly memoryInMb: number
  readonly diskInMb: number
}

export interface Reservation extends Demand {
  /** Gives the share back; a second call does nothing. */
  release(): void
}

/** The ledger of memory and disk that instances and staging tasks have reserved. */
export class Capacity {
  readonly #total: Demand
  readonly #changed: () => void
  readonly #held = new Set<Reservation>()

  constructor(total: Demand, changed: () => void) {
    this.#total = total
    this.#changed = changed
  }

  get total(): Demand {
    return this.#total
  }

  get available(): Demand {
    let { memoryInMb, diskInMb } = this.#total
    for (const held of this.#held) {
      memoryInMb -= held.memoryInMb
      diskInMb -= held.diskInMb
    }
    return { memoryInMb, diskInMb }
  }

  /** Reserves all of the demand or nothing; then answers which resource is short. */
  reserve({ memoryInMb, diskInMb }: Demand): Reservation | 'memory' | 'disk' {
    const { available } = this
    if (memoryInMb > available.memoryInMb) return 'memory'
    if (diskInMb > available.diskInMb) return 'disk'
    const reservation: Reservation = {
      memoryInMb,
      diskInMb,
      release: () => {
        if (this.#held.delete(reservation)) this.#changed()
      },
    }
    this.#held.add(reservation)
    this.#changed()
    return reservation
  }
}

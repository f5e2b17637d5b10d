import type { DeaAdvertisement } from '@vcap/protocol'

/** What one instance needs of a DEA. */
export interface Need {
  readonly memoryInMb: number
  readonly diskInMb: number
  readonly stack: string | null
}

export interface DeaPoolOptions {
  readonly advertisementTimeoutInSeconds: number
  /** From 0 up to, not including, 1: which of equally good DEAs is taken. */
  readonly random?: () => number
  readonly nowInMilliseconds?: () => number
}

interface KnownDea {
  readonly advertisement: DeaAdvertisement
  readonly expiresAt: number
  /** What has been placed since the advertisement; the next one contains it. */
  reservedMemoryInMb: number
  readonly placed: Map<string, number>
}

const minimumCandidateStagers = 5
const topStagerShare = 0.1
const defaultZone = 'default'
/** A DEA that was killed says no good-bye and never comes back under its id. */
const silentUntilForgottenInMilliseconds = 3_600_000

/**
 * The DEAs that advertise, and which of them an instance or a staging task goes to. Lives on the reactor thread, so that
 * choosing and reserving are one step. Rules: cloud_controller_ng lib/cloud_controller/dea/pool.rb and
 * eligible_advertisement_filter.rb of 2016.
 */
export class DeaPool {
  readonly #deas = new Map<string, KnownDea>()
  readonly #timeoutInMilliseconds: number
  readonly #random: () => number
  readonly #now: () => number

  constructor({ advertisementTimeoutInSeconds, random = Math.random, nowInMilliseconds = Date.now }: DeaPoolOptions) {
    this.#timeoutInMilliseconds = advertisementTimeoutInSeconds * 1000
    this.#random = random
    this.#now = nowInMilliseconds
  }

  /** A new advertisement replaces the one before and what was reserved on it. */
  advertise(advertisement: DeaAdvertisement): void {
    const longSilent = this.#now() - silentUntilForgottenInMilliseconds
    for (const [id, { expiresAt }] of this.#deas) if (expiresAt < longSilent) this.#deas.delete(id)
    this.#deas.set(advertisement.id, {
      advertisement,
      expiresAt: this.#now() + this.#timeoutInMilliseconds,
      reservedMemoryInMb: 0,
      placed: new Map(),
    })
  }

  remove(deaId: string): void {
    this.#deas.delete(deaId)
  }

  /** Whether any known DEA offers this stack: also one whose advertisement has expired, unless it said good-bye or is long silent. */
  knowsStack(stack: string | null): boolean {
    return [...this.#deas.values()].some((dea) => hasStack(dea, stack))
  }

  /**
   * The DEA for one instance of a process, or undefined: enough disk, enough memory and the stack; then the zone, then the
   * DEA, with the fewest instances of the process; then one of the upper half by free memory, at random. The memory and
   * the instance count as taken until the DEA advertises again.
   */
  place(processGuid: string, need: Need): string | undefined {
    const live = this.#live()
    const perZone = countPerZone(live, processGuid)
    const fitting = live.filter((dea) => fits(dea, need))
    const fewestInZone = Math.min(...fitting.map((dea) => perZone.get(zoneOf(dea)) ?? 0))
    const inZone = fitting.filter((dea) => (perZone.get(zoneOf(dea)) ?? 0) === fewestInZone)
    const fewest = Math.min(...inZone.map((dea) => instancesOf(dea, processGuid)))
    const candidates = upperHalfByMemory(inZone.filter((dea) => instancesOf(dea, processGuid) === fewest))
    const chosen = this.#pick(candidates)
    if (!chosen) return undefined
    chosen.reservedMemoryInMb += need.memoryInMb
    chosen.placed.set(processGuid, (chosen.placed.get(processGuid) ?? 0) + 1)
    return chosen.advertisement.id
  }

  /** The DEA for a staging task, or undefined: one of those with the most memory, at random. Its memory is reserved. */
  placeStager(need: Need): string | undefined {
    const live = this.#live()
    const count = Math.trunc(Math.max(minimumCandidateStagers, live.length * topStagerShare))
    const fitting = live.filter((dea) => fits(dea, need)).sort((a, b) => freeMemory(b) - freeMemory(a))
    const chosen = this.#pick(fitting.slice(0, count))
    if (!chosen) return undefined
    chosen.reservedMemoryInMb += need.memoryInMb
    return chosen.advertisement.id
  }

  /** Ids of the DEAs whose advertisement has not expired. */
  liveIds(): string[] {
    return this.#live().map((dea) => dea.advertisement.id)
  }

  #live(): KnownDea[] {
    const time = this.#now()
    return [...this.#deas.values()].filter((dea) => time < dea.expiresAt)
  }

  #pick(candidates: readonly KnownDea[]): KnownDea | undefined {
    return candidates[Math.floor(this.#random() * candidates.length)]
  }
}

const hasStack = ({ advertisement }: KnownDea, stack: string | null): boolean =>
  stack === null || advertisement.stacks.includes(stack)
const zoneOf = ({ advertisement }: KnownDea): string => advertisement.placement_properties?.zone ?? defaultZone
const freeMemory = (dea: KnownDea): number => dea.advertisement.available_memory - dea.reservedMemoryInMb
const instancesOf = (dea: KnownDea, processGuid: string): number =>
  (dea.advertisement.app_id_to_count[processGuid] ?? 0) + (dea.placed.get(processGuid) ?? 0)

function fits(dea: KnownDea, need: Need): boolean {
  const disk = dea.advertisement.available_disk
  return (
    (disk === undefined || disk >= need.diskInMb) && freeMemory(dea) >= need.memoryInMb && hasStack(dea, need.stack)
  )
}

/** Counted over all live DEAs, also those that do not fit. */
function countPerZone(deas: readonly KnownDea[], processGuid: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const dea of deas) counts.set(zoneOf(dea), (counts.get(zoneOf(dea)) ?? 0) + instancesOf(dea, processGuid))
  return counts
}

function upperHalfByMemory(deas: readonly KnownDea[]): KnownDea[] {
  const sorted = deas.map(freeMemory).sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  return median === undefined ? [] : deas.filter((dea) => freeMemory(dea) >= median)
}

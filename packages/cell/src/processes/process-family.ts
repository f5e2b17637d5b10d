import type { ProcessEntry, ProcessSnapshot, ProcessTable } from './process-table.ts'

/**
 * All processes that belong to one instance or staging task: its leaders, whoever is in their session or group, their
 * descendants, and whoever carries the guid in its environment, so that a process which left the session (a daemon)
 * is found too. Once seen as a member, a process stays one until it ends.
 */
export class ProcessFamily {
  readonly guid: string
  readonly #table: ProcessTable
  readonly #leaders = new Set<number>()
  /** pid → start time. */
  #known = new Map<number, string>()

  constructor(table: ProcessTable, guid: string) {
    this.#table = table
    this.guid = guid
  }

  /** Adds a process that the cell itself has started as leader of a session of its own. */
  addLeader(pid: number): void {
    this.#leaders.add(pid)
  }

  /** The members in that snapshot. */
  members(snapshot: ProcessSnapshot): ProcessEntry[] {
    const decided = new Map<number, boolean>()
    const isMember = (entry: ProcessEntry): boolean => {
      let answer = decided.get(entry.pid)
      if (answer === undefined) {
        decided.set(entry.pid, false)
        answer = this.#belongs(entry) || this.#parentOf(entry, snapshot).some(isMember)
        decided.set(entry.pid, answer)
      }
      return answer
    }
    const members = [...snapshot.values()].filter(isMember)
    this.#known = new Map(members.map(({ pid, startTime }) => [pid, startTime]))
    // A leader's number can be given to a stranger once nobody is left in its session.
    for (const leader of this.#leaders)
      if (!members.some(({ groupId, sessionId }) => groupId === leader || sessionId === leader))
        this.#leaders.delete(leader)
    return members
  }

  /** Sends the signal to every member. Answers how many there were. */
  async signal(signal: NodeJS.Signals): Promise<number> {
    const members = this.members(await this.#table.snapshot())
    const groups = new Set(members.filter(({ groupId }) => this.#leaders.has(groupId)).map(({ groupId }) => groupId))
    // A whole group in one call misses nobody who forks meanwhile; and nobody gets the signal twice.
    for (const groupId of groups) sendSignal(-groupId, signal)
    for (const { pid, groupId } of members) if (!groups.has(groupId)) sendSignal(pid, signal)
    return members.length
  }

  /** SIGTERM, then SIGKILL to whoever is left after `graceInMs`. Resolves when no member is left. */
  async terminate(graceInMs: number): Promise<void> {
    const deadline = performance.now() + graceInMs
    if (graceInMs > 0 && (await this.signal('SIGTERM')) > 0) {
      while (performance.now() < deadline && (await this.count()) > 0) await pause(25)
    }
    await this.kill()
  }

  /** SIGKILL until no member is left, new ones included. Throws if the kernel keeps one alive for ten seconds. */
  async kill(): Promise<void> {
    // Counted and not timed: the cell itself may stand still meanwhile.
    for (let attempt = 0; (await this.signal('SIGKILL')) > 0; attempt++) {
      if (attempt >= 1000) throw new Error(`Processes of ${this.guid} survive SIGKILL`)
      await pause(10)
    }
  }

  async count(): Promise<number> {
    return this.members(await this.#table.snapshot()).length
  }

  #belongs({ pid, startTime, sessionId, groupId, instanceGuid }: ProcessEntry): boolean {
    return (
      this.#known.get(pid) === startTime ||
      this.#leaders.has(sessionId) ||
      this.#leaders.has(groupId) ||
      (instanceGuid === this.guid && pid !== process.pid)
    )
  }

  #parentOf({ parentPid }: ProcessEntry, snapshot: ProcessSnapshot): ProcessEntry[] {
    const parent = snapshot.get(parentPid)
    return parent && parentPid > 1 && parentPid !== process.pid ? [parent] : []
  }
}

/** A process that has ended meanwhile needs no signal. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

export interface ProcessEntry {
  readonly pid: number
  readonly parentPid: number
  readonly groupId: number
  readonly sessionId: number
  /** Together with the pid names one process for the time between two boots of the machine. */
  readonly startTime: string
  readonly cpuInSeconds: number
  /** CF_INSTANCE_GUID as the process was started with it, where it can be read. */
  readonly instanceGuid: string | undefined
}

/** The variable that every process of an instance or staging task carries; Cloud Foundry sets it anyway. */
export const guidVariable = 'CF_INSTANCE_GUID'

export type ProcessSnapshot = ReadonlyMap<number, ProcessEntry>

/** The host's processes. Zombies are left out: they run nothing and can't be killed. */
export interface ProcessTable {
  /** Changes when the machine boots; empty where unknown. */
  readonly bootId: string
  snapshot(): Promise<ProcessSnapshot>
  /** The process as it is now; undefined once it has ended. */
  find(pid: number): Promise<ProcessEntry | undefined>
  /** Resident bytes. Shared pages count in full. */
  residentBytes(pid: number): number
  /** Resident bytes with each shared page divided among its users; undefined where the system doesn't tell. Dearer than `residentBytes`. */
  proportionalBytes(pid: number): number | undefined
}

/** Reads /proc where it exists (Linux), else asks ps (macOS). */
export function openProcessTable(): ProcessTable {
  return existsSync('/proc/self/stat') ? new ProcFileSystem() : new PsCommand()
}

/** Linux counts CPU time in hundredths of a second towards user space, whatever the kernel's own tick (USER_HZ). */
const ticksPerSecond = 100

/** A process that has yet to exec shows its parent's environment, so nobody is a stranger after one look. */
const looksAtStrangers = 5

interface Seen {
  readonly guid: string | undefined
  readonly looks: number
}

class ProcFileSystem implements ProcessTable {
  readonly bootId = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  #guids = new Map<string, Seen>()

  async snapshot(): Promise<ProcessSnapshot> {
    const found = new Map<number, ProcessEntry>()
    const guids = new Map<string, Seen>()
    for (const name of readdirSync('/proc')) {
      const pid = Number(name)
      if (!Number.isInteger(pid)) continue
      const entry = this.#read(pid)
      if (!entry) continue
      const key = `${pid}@${entry.startTime}`
      let { guid, looks } = this.#guids.get(key) ?? { guid: undefined, looks: 0 }
      if (guid === undefined && looks < looksAtStrangers) guid = instanceGuid(pid)
      guids.set(key, { guid, looks: looks + 1 })
      found.set(pid, { ...entry, instanceGuid: guid })
    }
    this.#guids = guids
    return found
  }

  async find(pid: number): Promise<ProcessEntry | undefined> {
    const entry = this.#read(pid)
    return entry && { ...entry, instanceGuid: instanceGuid(pid) }
  }

  residentBytes(pid: number): number {
    return kilobytes(readText(`/proc/${pid}/status`), 'VmRSS') ?? 0
  }

  proportionalBytes(pid: number): number | undefined {
    return kilobytes(readText(`/proc/${pid}/smaps_rollup`), 'Pss')
  }

  #read(pid: number): Omit<ProcessEntry, 'instanceGuid'> | undefined {
    const stat = readText(`/proc/${pid}/stat`)
    if (!stat) return undefined
    // The command stands in parentheses and may itself hold spaces and parentheses (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const state = fields[0]
    if (state === 'Z' || state === 'X') return undefined
    return {
      pid,
      parentPid: Number(fields[1]),
      groupId: Number(fields[2]),
      sessionId: Number(fields[3]),
      cpuInSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      startTime: fields[19] ?? '',
    }
  }
}

function instanceGuid(pid: number): string | undefined {
  const environment = readText(`/proc/${pid}/environ`)?.split('\0')
  return environment?.find((text) => text.startsWith(`${guidVariable}=`))?.slice(guidVariable.length + 1)
}

/** A process may end between two reads, and another user's details may be closed to us: both read as nothing. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function kilobytes(text: string | undefined, key: string): number | undefined {
  const value = text?.match(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm'))?.[1]
  return value === undefined ? undefined : Number(value) * 1024
}

const run = promisify(execFile)

/** For systems without /proc. Environments and shared pages stay unknown; the session is taken to be the process group. */
export class PsCommand implements ProcessTable {
  readonly bootId = ''
  #residentBytes = new Map<number, number>()

  async snapshot(): Promise<ProcessSnapshot> {
    const { stdout } = await run('ps', ['-axo', 'pid=,ppid=,pgid=,rss=,time=,stat=,lstart='], {
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
      maxBuffer: 16 * 1024 ** 2,
    })
    const found = new Map<number, ProcessEntry>()
    const resident = new Map<number, number>()
    for (const line of stdout.split('\n')) {
      const [pid, parentPid, groupId, rss, time, state, ...startTime] = line.trim().split(/\s+/)
      if (!pid || !time || !state || state.startsWith('Z')) continue
      found.set(Number(pid), {
        pid: Number(pid),
        parentPid: Number(parentPid),
        groupId: Number(groupId),
        sessionId: Number(groupId),
        cpuInSeconds: secondsOf(time),
        startTime: startTime.join(' '),
        instanceGuid: undefined,
      })
      resident.set(Number(pid), Number(rss) * 1024)
    }
    this.#residentBytes = resident
    return found
  }

  async find(pid: number): Promise<ProcessEntry | undefined> {
    return (await this.snapshot()).get(pid)
  }

  residentBytes(pid: number): number {
    return this.#residentBytes.get(pid) ?? 0
  }

  proportionalBytes(): undefined {
    return undefined
  }
}

/** `[[dd-]hh:]mm:ss[.cc]`, as ps writes CPU time. */
function secondsOf(time: string): number {
  const [clock = '', days] = time.split('-').reverse()
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days ?? 0) * 86_400
}

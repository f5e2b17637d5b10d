import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Names one life of one process: its number and when it started. Process numbers are used again, so a number alone, read from a
 * file of yesterday, may be a stranger's by now.
 */
export interface ProcessIdentity {
  pid: number
  /** Opaque; equal for the same life of the process. */
  started: string
}

/** The process that now has this number, or undefined if there is none. A zombie, which runs no more, counts as none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid)
  return started === undefined ? undefined : { pid, started }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started
}

/** /proc/<pid>/stat: field 3 is the state, field 22 the start in clock ticks since boot (proc(5)); the name in field 2 may hold anything. */
function startedOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Its first thread is a zombie already while the others, field 20, still end; until then its ports are in use.
    const isGone = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)
    if (isGone) return undefined
    return `${bootId()}/${fields[19]}`
  } catch {
    // No such process, or it went while we looked.
    return undefined
  }
}

let cachedBootId: string | undefined
function bootId(): string {
  cachedBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return cachedBootId
}

function startedByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { LC_ALL: 'C' },
    })
    const [state = '', ...started] = line.trim().split(/\s+/)
    return state === '' || state.startsWith('Z') ? undefined : started.join(' ')
  } catch {
    // ps exits with 1 when there is no such process.
    return undefined
  }
}

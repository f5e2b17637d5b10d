import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

interface ProcessRow {
  pid: number
  parent: number
  group: number
}

/**
 * Ends a process and everything it started, at once and without asking. The process is frozen first, so that it starts nothing
 * between the look and the kill. Descendants that moved to a process group of their own are found too, and so is everything else
 * in the groups that they lead.
 */
export function killTree(pid: number): void {
  if (!signal(pid, 'SIGSTOP')) return
  const rows = processes()
  const doomed = new Set([pid])
  for (let size = 0; size !== doomed.size; ) {
    size = doomed.size
    for (const row of rows) if (doomed.has(row.parent) || doomed.has(row.group)) doomed.add(row.pid)
  }
  doomed.delete(process.pid)
  for (const each of doomed) signal(each, 'SIGKILL')
}

/** Whether the process was there to take the signal. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch {
    // ESRCH: it is gone, which is what the caller wants. EPERM: it is a stranger's by now.
    return false
  }
}

function processes(): ProcessRow[] {
  return process.platform === 'linux' ? processesOnLinux() : processesByPs()
}

/** Fields 4 and 5 of /proc/<pid>/stat (proc(5)); a container may have no `ps`. */
function processesOnLinux(): ProcessRow[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return [{ pid: Number(name), parent: Number(parent), group: Number(group) }]
      } catch {
        // It ended between the listing and the reading.
        return []
      }
    })
}

function processesByPs(): ProcessRow[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, group] = line.trim().split(/\s+/).map(Number)
      return { pid: pid ?? 0, parent: parent ?? 0, group: group ?? 0 }
    })
}

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { identify, killTree, type ProcessIdentity } from '@vcap/cli'

export interface FoundProcess extends ProcessIdentity {
  commandLine: string
}

/**
 * Every process that belongs to a system, whoever its parent is by now: its data directory stands in the command line (components), or in
 * the environment or as the current directory (apps, builds, and all that they start). The process that asks is not among them.
 */
export function processesOf(dataDirectory: string): FoundProcess[] {
  const found = process.platform === 'linux' ? fromProc(dataDirectory) : fromPs(dataDirectory)
  return found.flatMap(({ pid, commandLine }) => {
    const identity = pid === process.pid ? undefined : identify(pid)
    return identity ? [{ ...identity, commandLine }] : []
  })
}

/** For the end of a system. Throws, naming them, when processes of it are left, and ends them so that they disturb nobody else. */
export function endLeftProcesses(dataDirectory: string): void {
  const left = processesOf(dataDirectory)
  for (const { pid } of left) killTree(pid)
  if (left.length === 0) return
  throw new Error(`processes were left:\n${left.map(({ pid, commandLine }) => `${pid} ${commandLine}`).join('\n')}`)
}

interface Found {
  pid: number
  commandLine: string
}

function fromProc(dataDirectory: string): Found[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        const belongs = [
          () => commandLine,
          () => readlinkSync(`/proc/${name}/cwd`),
          () => readFileSync(`/proc/${name}/environ`, 'utf8'),
        ].some((text) => text().includes(dataDirectory))
        return belongs ? [{ pid: Number(name), commandLine }] : []
      } catch {
        // It ended between the listing and the reading, or it is another user's and then not ours.
        return []
      }
    })
}

function fromPs(dataDirectory: string): Found[] {
  return execFileSync('ps', ['-axww', '-E', '-o', 'pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(dataDirectory))
    .map((line) => {
      const [pid = '', ...commandLine] = line.trim().split(/\s+/)
      return { pid: Number(pid), commandLine: commandLine.join(' ') }
    })
}

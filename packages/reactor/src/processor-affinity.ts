import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * On which processors a thread may run, as the program taskset sets it: Node.js has no way to. Any process may do that with its own threads.
 * Linux only; without the program, or with a single processor, nothing is ever changed.
 */
export class ProcessorAffinity {
  readonly #all: string
  readonly #allButOne: string

  /** Processors in the kernel's list format, as "0-3,8". */
  constructor(allowed: string = allowedProcessors()) {
    this.#all = allowed
    this.#allButOne = withoutFirst(allowed)
  }

  /** Whether there is a processor that can be left alone. */
  get isUseful(): boolean {
    return this.#allButOne !== ''
  }

  /** Keeps a thread off the first processor. Rejects where that can't be done. */
  leaveOneAlone(operatingSystemThreadId: number): Promise<void> {
    return set(this.#allButOne, operatingSystemThreadId)
  }

  /** Rejects where that can't be done. */
  restore(operatingSystemThreadId: number): Promise<void> {
    return set(this.#all, operatingSystemThreadId)
  }
}

async function set(processors: string, operatingSystemThreadId: number): Promise<void> {
  try {
    await run('taskset', ['-p', '-c', processors, String(operatingSystemThreadId)])
  } catch (error) {
    // One that has ended meanwhile needs nothing.
    if (exists(operatingSystemThreadId)) throw error
  }
}

/** Empty where the kernel does not tell. */
function allowedProcessors(): string {
  try {
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}

/** "0-3,8" without its first processor is "1-3,8", "0,2" is "2", and "5" is "". */
function withoutFirst(list: string): string {
  const [first = '', ...others] = list.split(',')
  const [from, to] = first.split('-').map(Number)
  if (from === undefined || to === undefined) return others.join(',')
  return [from + 1 < to ? `${from + 1}-${to}` : to, ...others].join(',')
}

function exists(operatingSystemThreadId: number): boolean {
  try {
    readFileSync(`/proc/self/task/${operatingSystemThreadId}/comm`)
    return true
  } catch {
    return false
  }
}

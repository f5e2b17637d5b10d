import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** Answers each line with the exit status of taskset. */
const script =
  'while read -r processors thread; do taskset -p -c "$processors" "$thread" >/dev/null 2>&1; echo "$?"; done'

interface Asked {
  readonly operatingSystemThreadId: number
  readonly answer: PromiseWithResolvers<void>
}

/**
 * On which processors a thread may run, as the program taskset sets it: Node.js has no way to. Any process may do that with its own threads.
 * Linux only; with a single processor there is nothing to do.
 *
 * One small shell starts the program each time. From a process of some hundred MiB to start one takes 25 ms, in which the reactor would
 * stand still.
 */
export class ProcessorAffinity {
  readonly #all: string
  readonly #allButOne: string
  #shell: ChildProcess | undefined
  readonly #asked: Asked[] = []

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
    return this.#set(this.#allButOne, operatingSystemThreadId)
  }

  /** Rejects where that can't be done. */
  restore(operatingSystemThreadId: number): Promise<void> {
    return this.#set(this.#all, operatingSystemThreadId)
  }

  /** Ends the shell. */
  stop(): void {
    this.#shell?.stdin?.end()
  }

  #set(processors: string, operatingSystemThreadId: number): Promise<void> {
    this.#shell ??= this.#startShell()
    const answer = Promise.withResolvers<void>()
    this.#asked.push({ operatingSystemThreadId, answer })
    this.#shell.stdin?.write(`${processors} ${operatingSystemThreadId}\n`)
    return answer.promise
  }

  #startShell(): ChildProcess {
    const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
    const onEnd = (error: Error) => {
      if (this.#shell === shell) this.#shell = undefined
      for (const { answer } of this.#asked.splice(0)) answer.reject(error)
    }
    shell.once('error', onEnd)
    shell.once('exit', () => onEnd(new Error('the shell for taskset has ended')))
    shell.stdin.on('error', onEnd)
    createInterface({ input: shell.stdout }).on('line', (status) => this.#onAnswer(Number(status)))
    // It ends with this process, and must not keep it alive.
    shell.unref()
    for (const pipe of [shell.stdin, shell.stdout]) if (pipe instanceof Socket) pipe.unref()
    return shell
  }

  #onAnswer(status: number): void {
    const asked = this.#asked.shift()
    // A thread that has ended meanwhile needs nothing.
    if (status === 0 || !asked || !exists(asked.operatingSystemThreadId)) asked?.answer.resolve()
    else asked.answer.reject(new Error(`taskset exited with status ${status}`))
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

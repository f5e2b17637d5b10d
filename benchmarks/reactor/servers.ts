import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

export interface ServerState {
  readonly delayP99InMs: number
  readonly tickP99InMs: number
  readonly threads: Record<string, number>
}

/** A server in a process of its own. */
export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(file: string, ...args: string[]): Promise<ServerProcess> {
    const child = fork(new URL(file, import.meta.url), args)
    const [message] = (await once(child, 'message')) as [{ port: number }]
    return new ServerProcess(child, message.port)
  }

  async state(): Promise<ServerState> {
    this.#child.send('state')
    const [message] = (await once(this.#child, 'message')) as [ServerState]
    return message
  }
  reset(): void {
    this.#child.send('reset')
  }
  memoryInMib(field: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  }
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

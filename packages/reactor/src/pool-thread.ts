import { MessageChannel, type MessagePort, type ResourceLimits, Worker } from 'node:worker_threads'
import type { ThreadEndReason } from './errors.ts'
import { lastKnownStack } from './last-known-stack.ts'
import type { FromThread, ReplyMessage, ThreadSetup, ThreadWorkerData } from './messages.ts'
import type { CallingThread, OperationServer } from './operation-server.ts'
import type { Task } from './task.ts'
import type { Wire } from './wire-error.ts'

type State =
  | { readonly phase: 'starting'; readonly timer: NodeJS.Timeout }
  | { readonly phase: 'idle'; readonly since: number }
  | { readonly phase: 'busy'; readonly task: Task; readonly since: number; readonly timer: NodeJS.Timeout }
  | { readonly phase: 'ending'; readonly task: Task | undefined; readonly reason: ThreadEndReason | 'retired' }
  | { readonly phase: 'ended' }

/** A call of scheduleSync that the reactor has not answered yet. */
export interface Waiting {
  readonly callId: number
  readonly operation: string
  readonly since: number
}

export interface ThreadEnd {
  readonly reason: ThreadEndReason | 'retired'
  readonly wasStarting: boolean
  /** The error it ended with. */
  readonly cause: unknown
  /** What it was working on. */
  readonly task: Task | undefined
}

/** What a thread tells its pool. */
export interface PoolThreadEvents {
  /** It has started, or is done with a task. The pool may give it the next one at once. */
  onIdle(thread: PoolThread, finished: Task | undefined): void
  /** It will take no more tasks; it may still have the last one. */
  onLeaving(thread: PoolThread): void
  /** It no longer exists. */
  onGone(thread: PoolThread, end: ThreadEnd): void
  onOverrun(thread: PoolThread, task: Task, stack: string): void
  /** A file to be deleted came with an answer that is too late. */
  onUnwantedFile(path: string): void
}

export interface PoolThreadOptions {
  readonly module: URL
  readonly name: string
  readonly workerData: unknown
  readonly setup: Omit<ThreadSetup, 'replies' | 'signal'>
  readonly resourceLimits: ResourceLimits
  readonly startTimeoutInMilliseconds: number
  readonly stackCaptureInMilliseconds: number
}

/** How long the answer to an overrun waits for the thread's end, which a native call (SQLite, a synchronous child process) can hold up. */
const endPatienceInMilliseconds = 1000
const gracefulEndInMilliseconds = 5000

/** One worker thread and the one task that it has. */
export class PoolThread implements CallingThread {
  readonly threadId: number
  /** 0 until it has started, and where there is none. */
  operatingSystemThreadId = 0
  /** The call that the thread sleeps in, if any. */
  waiting: Waiting | undefined
  tasksFinished = 0

  readonly #options: PoolThreadOptions
  readonly #events: PoolThreadEvents
  readonly #operations: OperationServer
  readonly #worker: Worker
  readonly #replies: MessagePort
  readonly #signal = new Int32Array(new SharedArrayBuffer(4))
  readonly #gone = Promise.withResolvers<void>()
  #state: State
  #taskId = 0
  #error: unknown

  constructor(options: PoolThreadOptions, operations: OperationServer, events: PoolThreadEvents) {
    this.#options = options
    this.#operations = operations
    this.#events = events
    const { port1, port2 } = new MessageChannel()
    this.#replies = port1
    const setup: ThreadSetup = { ...options.setup, replies: port2, signal: this.#signal.buffer }
    const workerData: ThreadWorkerData = { vcapReactor: setup, application: options.workerData }
    this.#worker = new Worker(options.module, {
      name: options.name,
      workerData,
      transferList: [port2],
      resourceLimits: options.resourceLimits,
    })
    this.threadId = this.#worker.threadId
    const timer = setTimeout(() => {
      this.#error = new Error(`not started after ${options.startTimeoutInMilliseconds} ms`)
      void this.#worker.terminate()
    }, options.startTimeoutInMilliseconds)
    this.#state = { phase: 'starting', timer }
    this.#worker.on('message', (message: FromThread) => this.#receive(message))
    this.#worker.on('error', (error) => {
      this.#error = error
    })
    this.#worker.on('exit', (code) => this.#onExit(code))
  }

  get name(): string {
    return this.#options.name
  }
  get phase(): State['phase'] {
    return this.#state.phase
  }
  get isAlive(): boolean {
    return this.#state.phase !== 'ended'
  }
  get task(): Task | undefined {
    return 'task' in this.#state ? this.#state.task : undefined
  }
  get requestId(): string | undefined {
    return this.task?.requestId
  }
  /** `performance.now()` since when it is idle or busy; undefined in other phases. */
  get since(): number | undefined {
    return 'since' in this.#state ? this.#state.since : undefined
  }

  /** Hands the thread a task. Only for an idle thread. */
  give(task: Task): void {
    const taskId = ++this.#taskId
    const timer = setTimeout(() => void this.#overrun(task), task.deadlineInSeconds * 1000)
    this.#state = { phase: 'busy', task, since: performance.now(), timer }
    this.#worker.postMessage(task.message(taskId))
  }

  reply(callId: number, thrown: Wire | null, value: unknown): void {
    const reply: ReplyMessage = [callId, thrown, value]
    this.#replies.postMessage(reply)
    if (this.waiting?.callId === callId) this.waiting = undefined
    Atomics.add(this.#signal, 0, 1)
    Atomics.notify(this.#signal, 0)
  }

  /** Asks an idle thread to end by itself, and ends it by force if that takes too long. */
  async retire(): Promise<void> {
    if (this.#state.phase !== 'idle') return this.end('stopping')
    this.#leave({ phase: 'ending', task: undefined, reason: 'retired' })
    this.#worker.postMessage(['end'])
    const timer = setTimeout(() => void this.#worker.terminate(), gracefulEndInMilliseconds)
    await this.#gone.promise
    clearTimeout(timer)
  }

  /** Ends the thread whatever it does. Its task, if it has one, fails with the reason. */
  async end(reason: ThreadEndReason): Promise<void> {
    if (this.#state.phase === 'ended') return
    if (this.#state.phase !== 'ending') this.#leave({ phase: 'ending', task: this.task, reason })
    void this.#worker.terminate()
    await this.#gone.promise
  }

  #receive(message: FromThread): void {
    switch (message[0]) {
      case 'ready':
        if (this.#state.phase !== 'starting') return
        clearTimeout(this.#state.timer)
        this.operatingSystemThreadId = message[1]
        this.#state = { phase: 'idle', since: performance.now() }
        this.#events.onIdle(this, undefined)
        return
      case 'call':
        if (message[1] !== 0) this.waiting = { callId: message[1], operation: message[2], since: performance.now() }
        this.#operations.run(this, message)
        return
      default: {
        // Too late is too late: the answer to a task that overran is dropped with its thread.
        if (this.#state.phase !== 'busy' || message[1] !== this.#taskId) {
          if (message[0] === 'answer' && message[7]) this.#events.onUnwantedFile(message[6])
          return
        }
        const { task, timer } = this.#state
        clearTimeout(timer)
        this.waiting = undefined
        this.#state = { phase: 'idle', since: performance.now() }
        this.tasksFinished++
        this.#events.onIdle(this, task)
        task.onAnswer(message)
      }
    }
  }

  async #overrun(task: Task): Promise<void> {
    const { waiting } = this
    this.#leave({ phase: 'ending', task, reason: 'deadline' })
    const captured = await lastKnownStack(this.#worker, this.#options.stackCaptureInMilliseconds)
    const stack = waiting ? `    blocked in scheduleSync('${waiting.operation}')\n${captured}` : captured
    this.#events.onOverrun(this, task, stack)
    void this.#worker.terminate()
    setTimeout(() => this.#giveUp(), endPatienceInMilliseconds)
  }

  /** The client does not wait for a thread that can't be ended yet. */
  #giveUp(): void {
    if (this.#state.phase !== 'ending' || !this.#state.task || this.#state.reason === 'retired') return
    const { task, reason } = this.#state
    this.#state = { phase: 'ending', task: undefined, reason }
    task.onFault(reason)
  }

  #leave(state: State & { phase: 'ending' }): void {
    if ('timer' in this.#state) clearTimeout(this.#state.timer)
    this.#events.onLeaving(this)
    this.#state = state
  }

  #onExit(code: number): void {
    const before = this.#state
    if ('timer' in before) clearTimeout(before.timer)
    if (before.phase === 'starting' || before.phase === 'idle' || before.phase === 'busy') this.#events.onLeaving(this)
    this.#state = { phase: 'ended' }
    this.#replies.close()
    this.#gone.resolve()
    const reason = before.phase === 'ending' ? before.reason : outOfMemory(this.#error) ? 'out-of-memory' : 'crashed'
    const cause =
      this.#error ?? (before.phase === 'ending' ? undefined : new Error(`the thread exited with code ${code}`))
    const task = 'task' in before ? before.task : undefined
    this.#events.onGone(this, { reason, wasStarting: before.phase === 'starting', cause, task })
    task?.onFault(reason === 'retired' ? 'stopping' : reason, cause)
  }
}

function outOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

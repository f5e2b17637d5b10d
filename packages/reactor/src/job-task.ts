import { randomUUID } from 'node:crypto'
import { ArgumentNotCloneable, QueueFull, ThreadEnded, ThreadStartFailed } from './errors.ts'
import type { AnswerMessage, DoneMessage, FailedMessage, JobMessage } from './messages.ts'
import type { JobOptions, TaskFault } from './options.ts'
import type { Task } from './task.ts'
import { fromWire } from './wire-error.ts'

/** One call of runJob. */
export class JobTask implements Task {
  readonly requestId: string
  readonly client: string
  readonly deadlineInSeconds: number
  queuedAt = 0
  readonly result: Promise<unknown>
  readonly #name: string
  readonly #argument: unknown
  readonly #outcome = Promise.withResolvers<unknown>()

  constructor(name: string, argument: unknown, options: JobOptions) {
    this.#name = name
    this.#argument = checkedClone(name, argument)
    this.requestId = options.requestId ?? randomUUID()
    this.client = options.client ?? ''
    this.deadlineInSeconds = options.deadlineInSeconds ?? 3600
    this.result = this.#outcome.promise
  }

  describe = (): Record<string, unknown> => ({ requestId: this.requestId, job: this.#name })

  message(taskId: number): JobMessage {
    return ['job', taskId, this.requestId, this.#name, this.#argument]
  }

  onAnswer(message: AnswerMessage | DoneMessage | FailedMessage): void {
    if (message[0] === 'done') this.#outcome.resolve(message[2])
    else if (message[0] === 'failed') this.#outcome.reject(fromWire(message[2]))
    else throw new Error('a job was answered as a request')
  }

  onFault(kind: TaskFault, cause?: unknown): void {
    this.#outcome.reject(this.#errorFor(kind, cause))
  }

  #errorFor(kind: TaskFault, cause: unknown): Error {
    switch (kind) {
      case 'overloaded':
        return new QueueFull('job')
      case 'no-threads':
        return new ThreadStartFailed('job', 'earlier attempts failed', cause)
      default:
        return new ThreadEnded(`job '${this.#name}'`, kind, cause)
    }
  }
}

/** The argument as it is now: the job may start later, and an argument that can't be sent must fail here and not in the pool. */
function checkedClone(name: string, argument: unknown): unknown {
  try {
    return structuredClone(argument)
  } catch (error) {
    throw new ArgumentNotCloneable(name, 'the argument', error)
  }
}

import type { AnswerMessage, DoneMessage, FailedMessage, JobMessage, RequestMessage } from './messages.ts'
import type { TaskFault } from './options.ts'

/** A request or a job on its way through a pool: queued, handed to a thread, then answered or given up; exactly one of the last two. */
export interface Task {
  readonly client: string
  readonly deadlineInSeconds: number
  queuedAt: number
  /** For the log: request id, method, path. */
  readonly describe: () => Record<string, unknown>
  readonly requestId: string
  /** Called when a thread takes it. */
  message(taskId: number): RequestMessage | JobMessage
  onAnswer(message: AnswerMessage | DoneMessage | FailedMessage): void
  /** It will not be answered; when a thread had it, that thread has ended. */
  onFault(kind: TaskFault, cause?: unknown): void
}

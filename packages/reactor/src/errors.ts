/** A reactor operation did not finish within the time its caller was ready to wait. The operation itself goes on; its result is dropped. */
export class ReactorTimeout extends Error {
  readonly code = 'REACTOR_TIMEOUT'
  readonly operation: string
  readonly timeoutInSeconds: number
  constructor(operation: string, timeoutInSeconds: number) {
    super(`the reactor did not finish '${operation}' within ${timeoutInSeconds} s`)
    this.name = 'ReactorTimeout'
    this.operation = operation
    this.timeoutInSeconds = timeoutInSeconds
  }
}

/** An argument of a reactor operation can't be copied to another thread: it is or holds a function, a symbol, a socket … */
export class ArgumentNotCloneable extends TypeError {
  readonly code = 'ARGUMENT_NOT_CLONEABLE'
  readonly operation: string
  /** Where it is, from the first argument on: `argument 2 .options.onEnd`. */
  readonly argument: string
  constructor(operation: string, argument: string, cause: unknown) {
    super(`${argument} of '${operation}' can't be sent to another thread`, { cause })
    this.name = 'ArgumentNotCloneable'
    this.operation = operation
    this.argument = argument
  }
}

/** A reactor operation or a job gave a value that can't be copied to the thread that waits for it. */
export class ResultNotCloneable extends TypeError {
  readonly code = 'RESULT_NOT_CLONEABLE'
  readonly operation: string
  constructor(operation: string, cause: unknown) {
    super(`the result of '${operation}' can't be sent to another thread`, { cause })
    this.name = 'ResultNotCloneable'
    this.operation = operation
  }
}

/** No operation of that name is in the table that was given to `startReactor`. */
export class UnknownOperation extends Error {
  readonly code = 'UNKNOWN_OPERATION'
  constructor(operation: string) {
    super(`the reactor has no operation '${operation}'`)
    this.name = 'UnknownOperation'
  }
}

/** `scheduleSync` was called where it must not be, for instance inside a database transaction. */
export class ScheduleSyncRefused extends Error {
  readonly code = 'SCHEDULE_SYNC_REFUSED'
  constructor(operation: string, reason: string) {
    super(`scheduleSync('${operation}') refused: ${reason}`)
    this.name = 'ScheduleSyncRefused'
  }
}

/** `scheduleSync` on the reactor thread itself met an operation that finishes later: waiting for it would stop the reactor for ever. */
export class WouldBlockReactor extends Error {
  readonly code = 'WOULD_BLOCK_REACTOR'
  constructor(operation: string) {
    super(
      `scheduleSync('${operation}') on the reactor thread: the operation returned a promise, call it directly and await it`,
    )
    this.name = 'WouldBlockReactor'
  }
}

/** Why the thread of a job is gone before the job was done. */
export type ThreadEndReason = 'deadline' | 'crashed' | 'out-of-memory' | 'stopping'

/** The thread that ran a job is gone, and the job with it. */
export class ThreadEnded extends Error {
  readonly code = 'THREAD_ENDED'
  readonly reason: ThreadEndReason
  constructor(what: string, reason: ThreadEndReason, cause?: unknown) {
    super(`the thread of ${what} has ended: ${reason}`, cause === undefined ? undefined : { cause })
    this.name = 'ThreadEnded'
    this.reason = reason
  }
}

/** A thread module did not get as far as `serveRequests` or `serveJobs`. `cause` is what it threw. */
export class ThreadStartFailed extends Error {
  readonly code = 'THREAD_START_FAILED'
  constructor(pool: string, detail: string, cause?: unknown) {
    super(`no ${pool} thread could be started: ${detail}`, cause === undefined ? undefined : { cause })
    this.name = 'ThreadStartFailed'
  }
}

/** The queue in front of a pool is full. */
export class QueueFull extends Error {
  readonly code = 'QUEUE_FULL'
  constructor(pool: string) {
    super(`the queue of the ${pool} threads is full`)
    this.name = 'QueueFull'
  }
}

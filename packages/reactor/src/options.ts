import type { IncomingHttpHeaders } from 'node:http'
import type { ResourceLimits } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { ThreadEndReason } from './errors.ts'
import type { OperationTable } from './operations.ts'

export interface ThreadPoolOptions {
  /** The file that the threads run; it ends in `serveRequests` or `serveJobs`. */
  readonly module: URL
  /** Cloneable; the threads read it as `workerData` of '@vcap/reactor/thread'. */
  readonly workerData?: unknown
  /** Threads that are always there. Default 4 (jobs: 1); two a core is a good value. */
  readonly minimum?: number
  /** Default 20 (jobs: 4). */
  readonly maximum?: number
  /** A thread is added when the oldest queued task has waited this long, unless the processors have nothing left to give. Default 50. */
  readonly growAfterWaitInMilliseconds?: number
  /**
   * So many tasks may get stuck at once without others having to wait for threads to start and to compile their code: these threads are there,
   * and warm, beyond the minimum while there is traffic. Where they do not do, or there is no traffic, one more is started as soon as all others
   * have been busy with one task for four times growAfterWait. Default 4 (jobs: 0, neither of the two).
   */
  readonly spares?: number
  /** A thread beyond the minimum ends after having nothing to do for so long. Default 30. */
  readonly retireAfterIdleInSeconds?: number
  /** From the thread's creation to its serveRequests or serveJobs. Default 30. */
  readonly startTimeoutInSeconds?: number
  /** Heap limits of each thread; default 512 MB of old and 32 MB of young generation. Buffers outside the heap are not counted by V8. */
  readonly resourceLimits?: ResourceLimits
  /** Tasks that wait for a thread. Default 1000 (jobs: 10000). */
  readonly queueLimit?: number
  /** A task that has waited so long is given up. Default 60 (jobs: for ever). */
  readonly queueTimeoutInSeconds?: number
  /** Part of the maximum of threads that one client may hold at a time, so that its hanging requests leave some to others. Default 0.75. */
  readonly perClientThreadShare?: number
  /** After how many failed starts in a row the pool stops trying by itself. Default 5. */
  readonly startAttempts?: number
  /** Once it stopped trying, a task may cause one more attempt after this time. Default 30. */
  readonly retryStartAfterInSeconds?: number
  /**
   * A task that has run so long goes on with the lowest CPU priority, so that short ones and the reactor keep their pace (Linux). Default 100.
   * Where the process may not raise a priority again, it is at least 1000, and the thread is replaced afterwards. Infinity: never.
   */
  readonly demoteAfterInMilliseconds?: number
  /** How long a thread may go on after its deadline while its stack is read; usually it takes 50. Default 500; 0 reads none. */
  readonly stackCaptureInMilliseconds?: number
}

export interface RequestHead {
  readonly method: string
  /** Path and query as sent. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

export interface StaticAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | null
}

/** What the reactor itself has to answer, and the status that suits it. */
export const faultStatus = {
  /** The queue is full, the client's share of it is, or the request waited too long in it. */
  overloaded: 503,
  /** No thread could be started. */
  'no-threads': 503,
  stopping: 503,
  /** The request overran its deadline; its thread has been ended. */
  deadline: 504,
  /** The thread ended in the middle of the request: uncaught error, process.exit. */
  crashed: 500,
  /** The request exhausted its thread's heap. */
  'out-of-memory': 500,
  /** The fetch handler threw. */
  failed: 500,
  'headers-too-large': 431,
  'body-too-large': 413,
  'insufficient-storage': 507,
  malformed: 400,
  'expectation-failed': 417,
  /** Head or body did not arrive in time. */
  'request-timeout': 408,
} as const satisfies Record<string, number>

export type FaultKind = keyof typeof faultStatus

export interface Fault {
  readonly kind: FaultKind
  readonly requestId: string
  /** Empty for a request that could not be parsed. */
  readonly method: string
  readonly path: string
}

export interface HttpOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Lets several processes listen on one port (SO_REUSEPORT). Default false. */
  readonly reusePort?: boolean
  /** Request line and headers. Default 65536. Beyond: 431. */
  readonly headerLimitInBytes?: number
  /** Default 1 GiB. Beyond: 413. */
  readonly bodyLimitInBytes?: number
  /** A longer body, and every multipart one, goes to a temporary file. Default 1 MiB. */
  readonly bodyInMemoryLimitInBytes?: number
  /** Default: the system's. */
  readonly temporaryDirectory?: string
  /** Bytes that an upload must leave free there. Default 64 MiB. Beyond: 507. */
  readonly temporarySpaceReserveInBytes?: number
  /** Requests that wait for a thread. Default 1000. Beyond: 503 at once. */
  readonly queueLimit?: number
  /** Part of the queue that one client may fill. Default 0.5. */
  readonly perClientQueueShare?: number
  /** Requests of one connection that wait for the one before them. Default 100. */
  readonly pipelineLimit?: number
  /** Seconds in Retry-After of 503. Default 1. */
  readonly retryAfterInSeconds?: number
  /** Default 60. */
  readonly headerTimeoutInSeconds?: number
  /** Without a byte of the body. Default 60. */
  readonly bodyIdleTimeoutInSeconds?: number
  /** For the whole body. Default 3600. */
  readonly bodyTimeoutInSeconds?: number
  /** Without the client reading a byte of an answer. Default 60. */
  readonly answerIdleTimeoutInSeconds?: number
  /** Default 65. */
  readonly keepAliveTimeoutInSeconds?: number
  /** Open connections; default unlimited. */
  readonly connectionLimit?: number
  /** A streamed answer beyond this goes through a temporary file. Default 1 MiB. */
  readonly answerInMemoryLimitInBytes?: number
  /** Answers on the reactor without a thread: must be quick and must not throw. */
  readonly staticAnswer?: (request: RequestHead) => StaticAnswer | undefined
  /** Renders the application's error. */
  readonly faultAnswer: (fault: Fault) => StaticAnswer
  /** Time in the thread, not in the queue. */
  readonly deadlineInSeconds: (request: RequestHead) => number
  /** Default: a new UUID. */
  readonly requestId?: (headers: IncomingHttpHeaders) => string
  /** Whose share of queue and threads a request takes. Default: its Authorization, else its remote address. Held in memory, never logged. */
  readonly client?: (request: RequestHead, remoteAddress: string) => string
}

export interface ReactorOptions<Operations extends OperationTable<Operations>> {
  /** Run on the reactor thread on behalf of `scheduleSync` and `schedule`. */
  readonly operations: Operations
  readonly requestThreads: ThreadPoolOptions
  /** Without it there are no jobs. */
  readonly jobThreads?: ThreadPoolOptions
  readonly http: HttpOptions
  readonly logger: Logger
  /** The reactor registers its metrics here. */
  readonly metrics?: Registry
  /** Default of `scheduleSync`. Default 30. */
  readonly scheduleSyncTimeoutInSeconds?: number
}

export interface JobOptions {
  /** Default 3600. */
  readonly deadlineInSeconds?: number
  /** Ties the job's log lines to a request's. Default: a new UUID. */
  readonly requestId?: string
  /** Whose share of the queue and the threads it takes. Default: one for all jobs without. */
  readonly client?: string
}

export type TaskFault = ThreadEndReason | 'overloaded' | 'no-threads'

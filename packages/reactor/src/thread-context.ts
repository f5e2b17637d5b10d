import { isMainThread, parentPort, threadId, workerData } from 'node:worker_threads'
import type { FromThread, ThreadSetup, ThreadWorkerData } from './messages.ts'

/** What a request or job thread knows of itself, or undefined in any other thread. */
export interface ThreadContext {
  readonly setup: ThreadSetup
  readonly application: unknown
  send(message: FromThread, transfer?: ArrayBuffer[]): void
}

function isThreadWorkerData(data: unknown): data is ThreadWorkerData {
  return typeof data === 'object' && data !== null && 'vcapReactor' in data
}

function findContext(): ThreadContext | undefined {
  const port = parentPort
  if (isMainThread || port === null || !isThreadWorkerData(workerData)) return undefined
  return {
    setup: workerData.vcapReactor,
    application: workerData.application,
    send: (message, transfer) => port.postMessage(message, transfer),
  }
}

export const threadContext = findContext()

/** The context, or an error that says where the function belongs. */
export function requireThreadContext(functionName: string): ThreadContext {
  if (!threadContext) throw new Error(`${functionName} belongs in a request or job thread, this is thread ${threadId}`)
  return threadContext
}

/** What this thread is working on. A thread has one task at a time, so this needs no AsyncLocalStorage. */
export interface CurrentTask {
  readonly requestId: string
  /** `GET /v3/apps`, or the job's name. */
  readonly what: string
}

let current: CurrentTask | undefined

/** Request or job thread: the request or job that is being worked on. */
export function currentTask(): CurrentTask | undefined {
  return current
}
export function setCurrentTask(task: CurrentTask | undefined): void {
  current = task
}

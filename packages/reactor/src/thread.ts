/** For code that runs in request and job threads. */
import { threadContext } from './thread-context.ts'

export { threadId } from 'node:worker_threads'
export * from './errors.ts'
export { freeBuffer } from './free-buffer.ts'
export type { LightRequest, ThreadRequest } from './light-request.ts'
export type { FileBody, RequestBody } from './messages.ts'
export type { OperationCalls, OperationTable } from './operations.ts'
export type { RequestHeaders } from './request-headers.ts'
export { reactorOperations, refuseScheduleSyncWhile } from './schedule-sync.ts'
export { type Job, type ServeOptions, serveJobs, serveRequests } from './serve-requests.ts'
export { type CurrentTask, currentTask } from './thread-context.ts'
export { registerErrorClass, type WireError } from './wire-error.ts'

/** What the pool's `workerData` option gave to this thread. */
export const workerData: unknown = threadContext?.application

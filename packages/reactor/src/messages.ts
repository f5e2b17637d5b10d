import type { MessagePort } from 'node:worker_threads'
import type { Wire } from './wire-error.ts'

/**
 * What crosses between the reactor and its threads. Tuples of strings and numbers: a message is cloned for every request, and
 * flat ones cost a third of nested objects.
 */

/** A body that waits in a temporary file. */
export interface FileBody {
  readonly file: string
  readonly sizeInBytes: number
}
export type RequestBody = null | Uint8Array | FileBody

export type RequestMessage = [
  kind: 'request',
  taskId: number,
  requestId: string,
  method: string,
  path: string,
  /** Name and value by turns, one a line. */
  headers: string,
  remoteAddress: string,
  /** Milliseconds since the epoch. */
  receivedAt: number,
  body: RequestBody,
]
export type JobMessage = [kind: 'job', taskId: number, requestId: string, name: string, argument: unknown]
export type EndMessage = [kind: 'end']
export type ToThread = RequestMessage | JobMessage | EndMessage

export type AnswerMessage = [
  kind: 'answer',
  taskId: number,
  status: number,
  headers: string,
  body: string | Uint8Array | null,
  route: string,
  file: string,
  deleteFile: boolean,
]
export type ReadyMessage = [kind: 'ready', operatingSystemThreadId: number]
export type DoneMessage = [kind: 'done', taskId: number, value: unknown]
export type FailedMessage = [kind: 'failed', taskId: number, thrown: Wire]
/** `callId` is 0 for a call that nobody waits for. */
export type CallMessage = [kind: 'call', callId: number, name: string, args: unknown[]]
export type FromThread = AnswerMessage | ReadyMessage | DoneMessage | FailedMessage | CallMessage

export type ReplyMessage = [callId: number, thrown: Wire | null, value: unknown]

/** Travels in workerData under `vcapReactor`, beside the application's own data. */
export interface ThreadSetup {
  readonly pool: string
  readonly replies: MessagePort
  /** One Int32, counted up with every reply; the thread sleeps on it. */
  readonly signal: SharedArrayBuffer
  readonly scheduleSyncTimeoutInSeconds: number
  readonly temporaryDirectory: string
  /** A streamed answer beyond this goes through a temporary file. */
  readonly answerInMemoryLimitInBytes: number
}
export interface ThreadWorkerData {
  readonly vcapReactor: ThreadSetup
  readonly application: unknown
}

export function packHeaders(pairs: readonly string[]): string {
  return pairs.join('\n')
}
export function unpackHeaders(packed: string): string[] {
  return packed === '' ? [] : packed.split('\n')
}

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import { ResultNotCloneable } from './errors.ts'
import { findOperation, isPromiseLike } from './local-operations.ts'
import type { CallMessage } from './messages.ts'
import { toWire, type Wire } from './wire-error.ts'

/** On whose behalf an operation runs. */
export interface Caller {
  /** Of the request or job that called; undefined outside of one. */
  readonly requestId: string | undefined
  readonly threadId: number
}

const callers = new AsyncLocalStorage<Caller>()

/** Reactor thread, inside an operation: who called it, also after an await. Undefined elsewhere. */
export function currentCaller(): Caller | undefined {
  return callers.getStore()
}

/** A thread as the operations see it. */
export interface CallingThread {
  readonly threadId: number
  readonly requestId: string | undefined
  readonly isAlive: boolean
  /** Wakes the thread with the outcome of its call. Throws if the value can't be cloned. */
  reply(callId: number, thrown: Wire | null, value: unknown): void
}

/** Runs the operations that threads ask for. An operation never takes the reactor down, whatever it throws and whoever is left to hear it. */
export class OperationServer {
  readonly #operations: object
  readonly #logger: Logger

  constructor(operations: object, logger: Logger) {
    this.#operations = operations
    this.#logger = logger
  }

  run(thread: CallingThread, [, callId, name, args]: CallMessage): void {
    const caller: Caller = { requestId: thread.requestId, threadId: thread.threadId }
    try {
      const result = callers.run(caller, () => findOperation(this.#operations, name)(...args))
      if (isPromiseLike(result)) {
        result.then(
          (value) => this.#succeed(thread, caller, callId, name, value),
          (thrown: unknown) => this.#fail(thread, caller, callId, name, thrown),
        )
      } else this.#succeed(thread, caller, callId, name, result)
    } catch (thrown) {
      this.#fail(thread, caller, callId, name, thrown)
    }
  }

  #succeed(thread: CallingThread, caller: Caller, callId: number, name: string, value: unknown): void {
    if (callId === 0 || !thread.isAlive) return
    try {
      thread.reply(callId, null, value)
    } catch (error) {
      this.#fail(thread, caller, callId, name, new ResultNotCloneable(name, error))
    }
  }

  #fail(thread: CallingThread, caller: Caller, callId: number, name: string, thrown: unknown): void {
    if (callId !== 0 && thread.isAlive) {
      thread.reply(callId, toWire(thrown), undefined)
      return
    }
    const message = callId === 0 ? 'a scheduled operation failed' : 'an operation failed after its thread had ended'
    this.#logger.error({ err: thrown, operation: name, ...caller }, message)
  }
}

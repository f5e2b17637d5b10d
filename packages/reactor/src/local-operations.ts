import { UnknownOperation, WouldBlockReactor } from './errors.ts'
import type { OperationCalls } from './operations.ts'

type AnyOperation = (...args: unknown[]) => unknown
type UntypedCalls = OperationCalls<Record<string, AnyOperation>>

/** Says what happened to an operation that nobody waits for. */
type OnFailure = (name: string, thrown: unknown) => void

/** The calls of reactors that run on this thread, newest last. */
const running: UntypedCalls[] = []

/** `scheduleSync` and `schedule` for code that is already on the reactor thread: run at once, never wait. */
export function callsOn(operations: object, onFailure: OnFailure): UntypedCalls {
  const scheduleSync = (name: string, ...args: unknown[]): unknown => {
    const result = findOperation(operations, name)(...args)
    if (!isPromiseLike(result)) return result
    result.then(undefined, (thrown: unknown) => onFailure(name, thrown))
    throw new WouldBlockReactor(name)
  }
  return {
    scheduleSync,
    scheduleSyncWithin: (_timeoutInSeconds, name, ...args) => scheduleSync(name, ...args),
    schedule: (name, ...args) => {
      try {
        const result = findOperation(operations, name)(...args)
        if (isPromiseLike(result)) result.then(undefined, (thrown: unknown) => onFailure(name, thrown))
      } catch (thrown) {
        onFailure(name, thrown)
      }
    },
  }
}

/** Makes a reactor's table reachable by `reactorOperations` on its own thread; returns the way back. */
export function announce(calls: UntypedCalls): () => void {
  running.push(calls)
  return () => {
    const at = running.indexOf(calls)
    if (at >= 0) running.splice(at, 1)
  }
}

/** The one reactor of this thread. Looked up at each call, so that it may be taken before the reactor starts. */
export function localOperations(): UntypedCalls {
  const only = (): UntypedCalls => {
    const [calls, another] = running
    if (!calls) throw new Error('no reactor runs on this thread, and this is none of its threads')
    if (another) throw new Error('several reactors run on this thread: use the operations of the one that is meant')
    return calls
  }
  return {
    scheduleSync: (name, ...args) => only().scheduleSync(name, ...args),
    scheduleSyncWithin: (timeoutInSeconds, name, ...args) => only().scheduleSyncWithin(timeoutInSeconds, name, ...args),
    schedule: (name, ...args) => only().schedule(name, ...args),
  }
}

export function findOperation(operations: object, name: string): AnyOperation {
  const operation: unknown = Object.hasOwn(operations, name) ? Reflect.get(operations, name) : undefined
  if (typeof operation !== 'function') throw new UnknownOperation(name)
  return (...args) => operation.apply(operations, args)
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

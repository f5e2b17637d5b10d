import { receiveMessageOnPort, threadId } from 'node:worker_threads'
import { ArgumentNotCloneable, ReactorTimeout, ScheduleSyncRefused } from './errors.ts'
import { localOperations } from './local-operations.ts'
import type { ReplyMessage } from './messages.ts'
import type { OperationCalls, OperationTable } from './operations.ts'
import { type ThreadContext, threadContext } from './thread-context.ts'
import { fromWire } from './wire-error.ts'

/**
 * The way to the reactor. `Operations` is the type of the table that `startReactor` got:
 *
 *     const { scheduleSync, schedule } = reactorOperations<Operations>()
 *
 * In a request or job thread calls go to the reactor thread. On the reactor thread they run at once.
 */
export function reactorOperations<Operations extends OperationTable<Operations>>(): OperationCalls<Operations> {
  const calls = threadContext ? remoteCalls(threadContext) : localOperations()
  // The names and types are checked where it is called; across the thread boundary there is only the name.
  return calls as OperationCalls<Operations>
}

type UntypedCalls = OperationCalls<Record<string, (...args: unknown[]) => unknown>>

const refusals = new Set<() => string | undefined>()

/**
 * Lets the application say when blocking on the reactor is wrong: `reason` is asked before each scheduleSync, and if it answers a
 * text, the call throws ScheduleSyncRefused with it. Meant for development and tests, for instance while a transaction is open:
 * the reactor may wait for what this transaction has locked. Returns a function that takes the rule back.
 */
export function refuseScheduleSyncWhile(reason: () => string | undefined): () => void {
  refusals.add(reason)
  return () => refusals.delete(reason)
}

function remoteCalls(context: ThreadContext): UntypedCalls {
  const within = (timeoutInSeconds: number, name: string, ...args: unknown[]): unknown => {
    for (const refusal of refusals) {
      const reason = refusal()
      if (reason !== undefined) throw new ScheduleSyncRefused(name, reason)
    }
    const callId = nextCallId++
    send(context, callId, name, args)
    return receive(context, callId, name, timeoutInSeconds)
  }
  return {
    scheduleSync: (name, ...args) => within(context.setup.scheduleSyncTimeoutInSeconds, name, ...args),
    scheduleSyncWithin: within,
    schedule: (name, ...args) => send(context, 0, name, args),
  }
}

let nextCallId = 1
const signal = threadContext && new Int32Array(threadContext.setup.signal)

function send(context: ThreadContext, callId: number, name: string, args: unknown[]): void {
  try {
    context.send(['call', callId, name, args])
  } catch (error) {
    throw new ArgumentNotCloneable(name, findUncloneable(args) ?? 'an argument', error)
  }
}

function receive(context: ThreadContext, callId: number, name: string, timeoutInSeconds: number): unknown {
  if (!signal) throw new Error('no signal outside a request or job thread')
  const giveUpAt = performance.now() + timeoutInSeconds * 1000
  for (;;) {
    // Read before looking for the reply: a reply that comes in between makes the wait return at once.
    const seen = Atomics.load(signal, 0)
    const received: { message: ReplyMessage } | undefined = receiveMessageOnPort(context.setup.replies)
    if (received) {
      const [repliedTo, thrown, value] = received.message
      // An older id answers a call that has timed out.
      if (repliedTo !== callId) continue
      if (thrown) throw withCallersStack(fromWire(thrown), name)
      return value
    }
    const remaining = giveUpAt - performance.now()
    if (remaining <= 0) throw new ReactorTimeout(name, timeoutInSeconds)
    Atomics.wait(signal, 0, seen, remaining)
  }
}

/** The reactor's stack says where it failed, the caller's why it was called: an error shows both. */
function withCallersStack(thrown: unknown, name: string): unknown {
  if (!(thrown instanceof Error)) return thrown
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, withCallersStack)
  const frames = (here.stack ?? '').split('\n').slice(1)
  const caller = frames.filter((frame) => !frame.includes(import.meta.url)).join('\n')
  thrown.stack = `${thrown.stack}\n    --- scheduleSync('${name}') called in thread ${threadId} ---\n${caller}`
  return thrown
}

function findUncloneable(args: readonly unknown[]): string | undefined {
  for (const [index, argument] of args.entries()) {
    const path = uncloneablePath(argument, 0)
    if (path !== undefined) return `argument ${index + 1}${path === '' ? '' : ` ${path}`}`
  }
  return undefined
}

function uncloneablePath(value: unknown, depth: number): string | undefined {
  try {
    structuredClone(value)
    return undefined
  } catch {
    if (depth < 6 && typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        const path = uncloneablePath(inner, depth + 1)
        if (path !== undefined) return `${Array.isArray(value) ? `[${key}]` : `.${key}`}${path}`
      }
    }
    return ''
  }
}

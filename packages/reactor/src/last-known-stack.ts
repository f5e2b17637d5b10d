import { setTimeout as pause } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'

interface ProfileNode {
  readonly id: number
  readonly hitCount: number
  /** Lines and columns from 0; of the function's beginning. */
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly children?: readonly number[]
  /** Lines from 1. */
  readonly positionTicks?: ReadonlyArray<{ readonly line: number; readonly ticks: number }>
}
interface Profile {
  readonly nodes: readonly ProfileNode[]
}

/** More at a time would cost the reactor more than the stacks are worth. */
const atATime = 4
let underWay = 0

/** The profiler looks every millisecond. */
const watchedForInMilliseconds = 10

/** What V8 calls a thread that runs no JavaScript. */
const explanations: Readonly<Record<string, string>> = {
  '(idle)': 'no JavaScript was running: the thread awaits something',
  '(program)': 'no JavaScript was running: the thread is in native code',
  '(garbage collector)': 'the thread was collecting garbage',
}

/**
 * Where a thread is stuck, as text for the log: watches it for a moment with V8's CPU profiler, which also sees into endless loops and
 * Atomics.wait, and gives the frames where it was most often, in the form of `Error#stack`, or the reason why there are none. The first frame has
 * the line that ran, the others the beginnings of their functions. Never rejects; takes at most the timeout. Reactor thread.
 *
 * The inspector would tell exact lines, but each of its sessions left about five megabytes of native memory behind.
 */
export async function lastKnownStack(worker: Worker, timeoutInMilliseconds: number): Promise<string> {
  if (timeoutInMilliseconds <= 0) return '    (not read)'
  if (underWay >= atATime) return '    (not read: too many threads at once)'
  underWay++
  const tooLate = new AbortController()
  try {
    return await Promise.race([
      watch(worker),
      pause(timeoutInMilliseconds, '    (not read in time: the CPU is busy)', tooLate),
    ])
  } catch (error) {
    return `    (not read: ${error instanceof Error ? error.message : String(error)})`
  } finally {
    tooLate.abort()
    underWay--
  }
}

async function watch(worker: Worker): Promise<string> {
  const profiling = await worker.startCpuProfile()
  await pause(watchedForInMilliseconds)
  return stackOf(JSON.parse(await profiling.stop()))
}

function stackOf({ nodes }: Profile): string {
  const leaf = nodes.reduce<ProfileNode | undefined>(
    (most, node) => (most && most.hitCount >= node.hitCount ? most : node),
    undefined,
  )
  const explanation = leaf && explanations[leaf.callFrame.functionName]
  if (!leaf || explanation) return `    (${explanation ?? 'nothing was seen'})`
  const frames = [frame(leaf, lineMostSeen(leaf))]
  const parentOf = (child: ProfileNode) => nodes.find(({ children }) => children?.includes(child.id))
  // The root is no function.
  for (let node = parentOf(leaf); node && parentOf(node); node = parentOf(node)) frames.push(frame(node))
  return frames.join('\n')
}

function lineMostSeen({ positionTicks = [] }: ProfileNode): number | undefined {
  return [...positionTicks].sort((a, b) => b.ticks - a.ticks)[0]?.line
}

function frame({ callFrame: { functionName, url, lineNumber, columnNumber } }: ProfileNode, line?: number): string {
  const at = line === undefined ? `${url}:${lineNumber + 1}:${columnNumber + 1}` : `${url}:${line}`
  return `    at ${functionName === '' ? '<anonymous>' : functionName} (${at})`
}

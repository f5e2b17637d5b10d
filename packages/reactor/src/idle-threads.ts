import type { PoolThread } from './pool-thread.ts'

/** Tasks after which most of what a thread does often is compiled to machine code. */
export const warmAfterTasks = 5000
/** Rare enough that the cold ones do not slow the others' clients down, often enough that they are warm soon. */
const coldEvery = 8

type Thread = Pick<PoolThread, 'tasksFinished'>

/**
 * The threads that have nothing to do. The one that was used last is used first, so that a few hot ones do the work. Only every eighth task
 * warms a cold thread up, so that there are others who can take over when the hot ones are stuck.
 */
export class IdleThreads<T extends Thread = PoolThread> {
  readonly #warm: T[] = []
  readonly #cold: T[] = []
  #taken = 0

  get length(): number {
    return this.#warm.length + this.#cold.length
  }

  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.#cold
    yield* this.#warm
  }

  push(thread: T): void {
    const threads = thread.tasksFinished < warmAfterTasks ? this.#cold : this.#warm
    threads.push(thread)
  }

  /** Takes the one that should work next; undefined if there is none. */
  take(): T | undefined {
    const isForCold = ++this.#taken % coldEvery === 0
    return isForCold ? (this.#cold.pop() ?? this.#warm.pop()) : (this.#warm.pop() ?? this.#cold.pop())
  }

  remove(thread: T): void {
    for (const threads of [this.#warm, this.#cold]) {
      const at = threads.indexOf(thread)
      if (at >= 0) threads.splice(at, 1)
    }
  }
}

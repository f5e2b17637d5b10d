import type { PoolThread } from './pool-thread.ts'
import type { ProcessorLoad } from './processor-load.ts'

/** Tasks after which most of what a thread does often is compiled to machine code. */
export const warmAfterTasks = 5000
/** A cold thread takes several times as long: when the processors are busy with others' tasks, all would pay for it. */
const coldEvery = { normally: 8, saturated: 32 }

type Thread = Pick<PoolThread, 'tasksFinished'>

/**
 * The threads that have nothing to do. The one that was used last is used first, so that a few hot ones do the work. Only now and then a task
 * warms a cold thread up, so that there are others who can take over when the hot ones are stuck.
 */
export class IdleThreads<T extends Thread = PoolThread> {
  readonly #warm: T[] = []
  readonly #cold: T[] = []
  readonly #load: Pick<ProcessorLoad, 'isSaturated'>
  #taken = 0

  constructor(load: Pick<ProcessorLoad, 'isSaturated'>) {
    this.#load = load
  }

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
    const every = this.#load.isSaturated ? coldEvery.saturated : coldEvery.normally
    const isForCold = ++this.#taken >= every && this.#cold.length > 0
    if (isForCold) this.#taken = 0
    return isForCold ? this.#cold.pop() : (this.#warm.pop() ?? this.#cold.pop())
  }

  remove(thread: T): void {
    for (const threads of [this.#warm, this.#cold]) {
      const at = threads.indexOf(thread)
      if (at >= 0) threads.splice(at, 1)
    }
  }
}

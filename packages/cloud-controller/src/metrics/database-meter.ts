/** What is counted of the database, in the order of their places in the memory that the threads share. */
const counted = ['statements', 'microseconds', 'slowStatements', 'repeatedTransactions'] as const
type Counted = (typeof counted)[number]

export const slowStatementInMilliseconds = 100

/**
 * Counts statements and their time in all threads of the process: each adds to the same shared memory, so that measuring costs no
 * message, and a thread that is ended by force has told all that it did.
 */
export class DatabaseMeter {
  /** To be handed to other threads, which make their own meter of it. */
  readonly memory: SharedArrayBuffer
  readonly #values: BigInt64Array

  constructor(memory = new SharedArrayBuffer(counted.length * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#values = new BigInt64Array(memory)
  }

  statement(milliseconds: number): void {
    this.#add('statements', 1)
    this.#add('microseconds', milliseconds * 1000)
    if (milliseconds >= slowStatementInMilliseconds) this.#add('slowStatements', 1)
  }

  repeatedTransaction(): void {
    this.#add('repeatedTransactions', 1)
  }

  read(): Record<Counted, number> {
    return Object.fromEntries(
      counted.map((name, place) => [name, Number(Atomics.load(this.#values, place))]),
    ) as Record<Counted, number>
  }

  #add(name: Counted, value: number): void {
    Atomics.add(this.#values, counted.indexOf(name), BigInt(Math.round(value)))
  }
}

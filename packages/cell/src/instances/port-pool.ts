import { createServer } from 'node:net'

/** Hands out ports for instances, each to one at a time, going round so that a freed port rests before it is used again. */
export class PortPool {
  readonly #first: number
  readonly #last: number
  readonly #taken = new Set<number>()
  #next: number

  /** Begins behind the ports that an earlier life had, so that these rest too. */
  constructor({ first, last }: { first: number; last: number }, usedBefore: readonly number[] = []) {
    this.#first = first
    this.#last = last
    const highest = Math.max(first - 1, ...usedBefore.filter((port) => port <= last))
    this.#next = highest >= last ? first : highest + 1
  }

  /** Throws when every port of the range is taken, by instances or by others on this machine. */
  async take(): Promise<number> {
    for (let tried = this.#first; tried <= this.#last; tried++) {
      const port = this.#next
      this.#next = port >= this.#last ? this.#first : port + 1
      if (this.#taken.has(port)) continue
      this.#taken.add(port)
      if (await isFree(port)) return port
      this.#taken.delete(port)
    }
    throw new Error(`no free port between ${this.#first} and ${this.#last}`)
  }

  release(port: number): void {
    this.#taken.delete(port)
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

/** One Ctrl-C may arrive twice: from the terminal, which tells every process in it, and from npm, which passes it on to us. */
const sameAskingInMs = 700

/** What asks `vcap up` to stop: SIGINT, SIGTERM, or SIGHUP from a terminal that closes. Listens as soon as it is made. */
export class StopSignals {
  /** Resolves at the first one. */
  readonly first: Promise<'stop'>
  #second = () => {}

  constructor() {
    const first = Promise.withResolvers<'stop'>()
    this.first = first.promise
    let firstAt: number | undefined
    const asked = () => {
      if (firstAt === undefined) {
        firstAt = performance.now()
        first.resolve('stop')
      } else if (performance.now() - firstAt > sameAskingInMs) this.#second()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, asked)
  }

  /** Sets what happens when somebody asks again, because it takes too long. */
  onSecond(act: () => void): void {
    this.#second = act
  }
}

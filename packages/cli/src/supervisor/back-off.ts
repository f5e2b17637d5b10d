const shortestInMs = 200
const longestInMs = 30_000

/** A component that ran this long is well again: its next death starts the delays anew. */
const wellAfterInMs = 30_000

/** How long to wait before a component that died is started again: 0.2 s, doubled each time up to 30 s. */
export class BackOff {
  #deaths = 0

  /** The delay in ms after a death. `ranForInMs` counts from when the component was ready; 0 if it never was. */
  next(ranForInMs: number): number {
    if (ranForInMs >= wellAfterInMs) this.#deaths = 0
    return Math.min(longestInMs, shortestInMs * 2 ** this.#deaths++)
  }

  get deaths(): number {
    return this.#deaths
  }
}

/** Counts for /varz. Source: gorouter varz/varz.go. */
export class RequestCounters {
  requests = 0
  badRequests = 0
  badGateways = 0
  upgrades = 0
  /** Answers by the first digit of their status; index 0 counts what has none (clients that left). */
  readonly responses = [0, 0, 0, 0, 0, 0]

  /** @param status 0 when no answer was sent */
  finished(status: number, byRouter: boolean): void {
    this.requests++
    const group = Math.floor(status / 100)
    this.responses[group >= 1 && group <= 5 ? group : 0] =
      (this.responses[group >= 1 && group <= 5 ? group : 0] ?? 0) + 1
    if (byRouter && status === 502) this.badGateways++
    else if (byRouter && group === 4) this.badRequests++
  }
}

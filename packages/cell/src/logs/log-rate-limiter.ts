/**
 * The log rate limit of an app instance, in bytes a second (executor depot/log_streamer/log_rate_limiter.go): a token
 * bucket that holds one second's bytes. Whoever exceeds it loses every line of the next second, and is told so once.
 * A negative limit is none; zero forbids logging.
 */
export class LogRateLimiter {
  readonly #limitInBytes: number
  readonly #now: () => number
  #tokens: number
  #filledAt: number
  #mutedUntil = 0
  #passedInBytes = 0
  #measuredAt: number
  #rateInBytes = 0

  constructor(limitInBytes: number, now: () => number = () => performance.now()) {
    this.#limitInBytes = limitInBytes
    this.#now = now
    this.#tokens = limitInBytes
    this.#filledAt = now()
    this.#measuredAt = this.#filledAt
  }

  /** Whether a line of that many bytes may pass; `exceeded` once for each second that is lost. */
  admit(bytes: number): 'pass' | 'drop' | 'exceeded' {
    if (this.#limitInBytes === 0) return 'drop'
    if (this.#limitInBytes > 0) {
      const now = this.#now()
      if (now < this.#mutedUntil) return 'drop'
      this.#tokens = Math.min(this.#limitInBytes, this.#tokens + ((now - this.#filledAt) / 1000) * this.#limitInBytes)
      this.#filledAt = now
      if (bytes > this.#tokens) {
        this.#mutedUntil = now + 1000
        return 'exceeded'
      }
      this.#tokens -= bytes
    }
    this.#passedInBytes += bytes
    return 'pass'
  }

  /** Bytes a second since the last measurement; measurements closer than half a second repeat the last one. */
  measureRate(): number {
    const now = this.#now()
    const elapsedInMs = now - this.#measuredAt
    if (elapsedInMs >= 500) {
      this.#rateInBytes = Math.round((this.#passedInBytes * 1000) / elapsedInMs)
      this.#passedInBytes = 0
      this.#measuredAt = now
    }
    return this.#rateInBytes
  }
}

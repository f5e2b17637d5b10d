/**
 * The database could not be asked, or did not answer in time: it can't be reached, went away in the middle, or a lock was not to be
 * had. Nothing of the statement or transaction holds; a later try may succeed. A client gets 503 (http/error-answer.ts), a job
 * comes again.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'

  constructor(cause: unknown) {
    super(`the database is not available: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

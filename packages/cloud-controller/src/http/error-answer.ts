import { DatabaseUnavailable } from '../db/database-unavailable.ts'
import { ApiError, apiError, type ErrorBody } from '../errors/api-error.ts'

export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly errors: readonly ErrorBody[] }
}

/** What a client is told of a fault that is not its own: 500/10001 without the `CF-` of other titles (semantics, section 2). */
const unknownError: ErrorBody = { code: 10_001, title: 'UnknownError', detail: 'An unknown error occurred.' }

const retryAfterInSeconds = 1

/**
 * The one place where an error becomes a v3 answer. What is no ApiError is ours to mend: the client learns nothing of it. An
 * unavailable database is a 503 (cloud_controller_ng application_controller.rb, handle_db_connection_error).
 */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof DatabaseUnavailable) return errorAnswer(databaseUnavailable(error))
  if (error instanceof ApiError) return { status: error.status, headers: error.headers, body: { errors: error.bodies } }
  return { status: 500, headers: {}, body: { errors: [unknownError] } }
}

function databaseUnavailable(cause: DatabaseUnavailable): ApiError {
  const { status, bodies } = apiError('ServiceUnavailable', 'Database connection failure')
  return new ApiError(status, bodies, { cause, headers: { 'retry-after': String(retryAfterInSeconds) } })
}

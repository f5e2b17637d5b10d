import { ApiError, type ErrorBody } from '../errors/api-error.ts'

export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly errors: readonly ErrorBody[] }
}

/** What a client is told of a fault that is not its own: 500/10001 without the `CF-` of other titles (semantics, section 2). */
const unknownError: ErrorBody = { code: 10_001, title: 'UnknownError', detail: 'An unknown error occurred.' }

/** The one place where an error becomes a v3 answer. What is no ApiError is ours to mend: the client learns nothing of it. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof ApiError) return { status: error.status, headers: error.headers, body: { errors: error.bodies } }
  return { status: 500, headers: {}, body: { errors: [unknownError] } }
}

import { ApiError, type ErrorBody } from '../errors/api-error.ts'

interface CrossedError {
  readonly fields: Readonly<Record<string, unknown>>
}

type Register = (errorClass: typeof ApiError, options: { readonly revive: (wire: CrossedError) => ApiError }) => void

/** Lets an ApiError cross from the reactor to a thread and back as what it is. Called once on each side. */
export function registerErrorClasses(register: Register): void {
  register(ApiError, {
    revive: ({ fields }) =>
      new ApiError(Number(fields.status), fields.bodies as ErrorBody[], {
        headers: (fields.headers ?? {}) as Record<string, string>,
      }),
  })
}

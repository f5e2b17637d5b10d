import { catalogue, type ErrorName } from './catalogue.ts'

/** One element of the `errors` array that a v3 client reads. */
export interface ErrorBody {
  readonly code: number
  readonly title: string
  readonly detail: string
}

/**
 * An error that the client is told about: CF code, title, HTTP status and detail. Thrown where the fault is found, rendered
 * once (`http/error-answer.ts`). `bodies` has more than one element only for compound faults (manifest validation).
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly bodies: readonly ErrorBody[]
  /** Extra response headers, such as Retry-After. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    bodies: readonly ErrorBody[],
    options: { cause?: unknown; headers?: Record<string, string> } = {},
  ) {
    super(bodies.map((body) => body.detail).join(', '), options.cause === undefined ? {} : { cause: options.cause })
    this.status = status
    this.bodies = bodies
    this.headers = options.headers ?? {}
  }

  get title(): string {
    return this.bodies[0]?.title ?? 'UnknownError'
  }

  get code(): number {
    return this.bodies[0]?.code ?? catalogue.ServerError.code
  }
}

/** Makes the error `name` of the catalogue; the arguments fill the template in order. */
export function apiError(name: ErrorName, ...values: ReadonlyArray<string | number>): ApiError {
  const { code, status, template } = catalogue[name]
  const rest = [...values]
  const detail = template.replace(/%[sd]/g, () => String(rest.shift() ?? ''))
  return new ApiError(status, [{ code, title: `CF-${name}`, detail }])
}

/** Several errors in one answer, with the status of the first. */
export function compoundError(errors: readonly ApiError[]): ApiError {
  return new ApiError(
    errors[0]?.status ?? 422,
    errors.flatMap((error) => error.bodies),
  )
}

/** 404 `<Resource> not found`; `resource` is the humanised singular, such as "Service instance". */
export const notFound = (resource: string): ApiError => apiError('ResourceNotFound', `${resource} not found`)
/** 413 in the words that CC has for bad requests; what it says itself it leaves to the balancer in front of it. */
export const bodyTooLarge = (): ApiError =>
  new ApiError(413, apiError('BadRequest', 'The request body is too large').bodies)
/** 422 with a bare message: nearly all body validation and state conflicts. */
export const unprocessable = (detail: string): ApiError => apiError('UnprocessableEntity', detail)
/** 422: what the request named was there when it was looked up, and was deleted before it could be used. */
export const deletedMeanwhile = (): ApiError =>
  unprocessable('Something that the request refers to has been deleted meanwhile.')
/** 403: the caller sees the resource but may not do this. */
export const notAuthorized = (): ApiError => apiError('NotAuthorized')
/** 400/10005: what is wrong with the query string. */
export const badQueryParameter = (messages: string): ApiError => apiError('BadQueryParameter', messages)
/** 400/1004. */
export const badRequest = (why: string): ApiError => apiError('BadRequest', why)
/** 403/330002 with the flag's own message when the operator set one. */
export const featureDisabled = (flagOrMessage: string): ApiError => apiError('FeatureDisabled', flagOrMessage)

import type { Fault, RequestHead, StaticAnswer } from '@vcap/reactor'
import type { Settings } from '../config.ts'
import { ApiError, apiError, bodyTooLarge } from '../errors/api-error.ts'
import { errorAnswer } from './error-answer.ts'
import { requestIdHeader, requestIdOf } from './request-id.ts'
import { rootDocuments } from './root-documents.ts'

const jsonType = 'application/json; charset=utf-8'
const textType = 'text/plain; charset=utf-8'

const healthPath = '/healthz'

/** Root documents, which the reactor answers without a thread. `/healthz` is 503 while `isStopping`, so that balancers look away. */
export function staticAnswers(
  settings: Settings,
  isStopping: () => boolean,
): (request: RequestHead) => StaticAnswer | undefined {
  const documents = new Map(
    Object.entries(rootDocuments).map(([path, document]) => {
      const content = document(settings)
      return [
        path,
        typeof content === 'string'
          ? { type: textType, body: content }
          : { type: jsonType, body: JSON.stringify(content) },
      ]
    }),
  )
  return ({ method, path, headers }) => {
    const document = method === 'GET' || method === 'HEAD' ? documents.get(path) : undefined
    if (!document) return undefined
    const { type, body } = document
    const id = { [requestIdHeader]: requestIdOf(headers) }
    if (path === healthPath && isStopping())
      return { status: 503, headers: { 'content-type': textType, ...id }, body: 'stopping' }
    return { status: 200, headers: { 'content-type': type, ...id }, body }
  }
}

/** What the reactor has to answer by itself, in CC's form. */
export function faultAnswer({ kind, requestId }: Fault): StaticAnswer {
  const { status, body } = errorAnswer(faultError(kind))
  return { status, headers: { 'content-type': jsonType, [requestIdHeader]: requestId }, body: JSON.stringify(body) }
}

function faultError(kind: Fault['kind']): ApiError | Error {
  switch (kind) {
    case 'overloaded':
    case 'no-threads':
    case 'stopping':
      return apiError('ServiceUnavailable', 'The server is busy. Please try again later.')
    case 'deadline':
      return new ApiError(504, [
        { code: 10_001, title: 'CF-ServerError', detail: 'The request took longer than it may take and was ended.' },
      ])
    case 'headers-too-large':
      return new ApiError(431, apiError('InvalidRequest').bodies)
    case 'body-too-large':
      return bodyTooLarge()
    case 'insufficient-storage':
      return new ApiError(507, apiError('ServiceUnavailable', 'There is no room for the upload').bodies)
    case 'request-timeout':
      return new ApiError(408, apiError('InvalidRequest').bodies)
    case 'expectation-failed':
      return new ApiError(417, apiError('InvalidRequest').bodies)
    case 'malformed':
      return apiError('InvalidRequest')
    default:
      return new Error(kind)
  }
}

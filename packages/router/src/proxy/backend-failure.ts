import type { IncomingMessage } from 'node:http'
import { hasBody } from './request-headers.ts'

/** Where an attempt was when it failed. */
export interface FailedAttempt {
  readonly error: Error
  /** A connection to the endpoint was there, so that bytes of the request may have reached it. */
  readonly connected: boolean
  /** A part of the response had arrived. */
  readonly responded: boolean
}

/**
 * Whether the request may be sent to another endpoint: always when no byte of it can have reached the first one, and for requests
 * without effect or with an idempotency key also when the endpoint closed the connection without an answer.
 * Source: gorouter proxy/fails/classifier_group.go, proxy/round_tripper/proxy_round_tripper.go isRetriable, isIdempotent.
 */
export function isRetriable(req: IncomingMessage, { error, connected, responded }: FailedAttempt): boolean {
  if (!connected) return codeOf(error) !== 'UND_ERR_INVALID_ARG' && codeOf(error) !== 'UND_ERR_NOT_SUPPORTED'
  return !responded && isConnectionLoss(error) && isReplayable(req)
}

/** Whether the endpoint is to be avoided for a while: it could not be reached, or it reset the connection. */
export function marksEndpoint({ error, connected }: FailedAttempt): boolean {
  return !connected || codeOf(error) === 'ECONNRESET'
}

/** The request itself can't be expressed towards an endpoint. */
export function isBadRequest({ error, connected }: FailedAttempt): boolean {
  return !connected && (codeOf(error) === 'UND_ERR_INVALID_ARG' || codeOf(error) === 'UND_ERR_NOT_SUPPORTED')
}

function isConnectionLoss(error: Error): boolean {
  const code = codeOf(error)
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

function isReplayable(req: IncomingMessage): boolean {
  if (hasBody(req)) return false
  if (['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(req.method ?? '')) return true
  return req.headers['idempotency-key'] !== undefined || req.headers['x-idempotency-key'] !== undefined
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

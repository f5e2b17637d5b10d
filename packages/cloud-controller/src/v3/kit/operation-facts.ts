import type { Handler, MiddlewareHandler } from 'hono'
import type { z } from 'zod'
import type { ListRules } from './list-query.ts'
import type { QueryParameter } from './query-parameters.ts'
import type { ResourceFacts } from './resource.ts'

/*
 * What a route says of itself besides its method and path: which body it takes, what it answers, which parameters it reads.
 * It says so by middleware (./operation.ts) that the handler then works with, so that the OpenAPI document (../openapi) tells what happens.
 */

export interface OperationFacts {
  readonly body?: BodyFacts
  readonly answer?: AnswerFacts
  readonly parameters?: readonly QueryParameter[]
  /** Of a middleware: who may reach the routes behind it. */
  readonly security?: 'bearer' | 'basic'
}

export interface BodyFacts {
  readonly contentType: 'application/json' | 'application/x-yaml' | 'multipart/form-data'
  /** Any one of them. */
  readonly schemas: readonly z.ZodType[]
}

export type AnswerFacts =
  | { readonly kind: 'list'; readonly resource: ResourceFacts; readonly rules: ListRules }
  | { readonly kind: 'show'; readonly resource: ResourceFacts; readonly options: Pick<ListRules, 'alsoAllowed'> }
  | { readonly kind: 'resource'; readonly status: SuccessStatus; readonly resource: ResourceFacts }
  | { readonly kind: 'document'; readonly status: SuccessStatus; readonly schema: z.ZodType }
  | { readonly kind: 'yaml'; readonly schema: z.ZodType }
  | { readonly kind: 'file'; readonly contentType: string }
  | { readonly kind: 'constant'; readonly value: unknown }
  | { readonly kind: 'job' }
  | { readonly kind: 'nothing'; readonly status: 200 | 204 }

export type SuccessStatus = 200 | 201 | 202

const factsByHandler = new WeakMap<object, OperationFacts>()

/** The handler, with facts about its operation. */
export function tagged<H extends Handler | MiddlewareHandler>(facts: OperationFacts, handler: H): H {
  if (factsByHandler.has(handler)) throw new Error('the handler has other facts already')
  factsByHandler.set(handler, facts)
  return handler
}

/** What the handlers of one route say together. */
export function factsOf(handlers: readonly object[]): OperationFacts {
  return Object.assign({}, ...handlers.map((handler) => factsByHandler.get(handler)))
}

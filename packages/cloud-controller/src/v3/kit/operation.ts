import type { Context, Handler, MiddlewareHandler } from 'hono'
import type { z } from 'zod'
import type { Tables, Trx } from '../../db/schema.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import type { NewJob } from '../../jobs/job-queue.ts'
import { accepted, acceptJob } from './accepted.ts'
import { body } from './body.ts'
import type { ListRules } from './list-query.ts'
import { type OperationFacts, type SuccessStatus, tagged } from './operation-facts.ts'
import { presented } from './present.ts'
import type { QueryParameter } from './query-parameters.ts'
import type { Resource, ResourceRow } from './resource.ts'
import { type ListOptions, list, reread, type ShowOptions, show } from './verbs.ts'

type With<V extends object> = MiddlewareHandler<WorkerEnv & { Variables: V }>

type Message<S extends readonly z.ZodType[]> = <T extends S[number] = S[0]>(schema?: T) => Promise<z.output<T>>

/**
 * `c.var.message()` reads and validates the JSON body: when it is called, because what is checked before it differs from
 * operation to operation. An operation that takes one of several bodies names the schema: `c.var.message(PackageCopy)`.
 */
export function takes<const S extends readonly [z.ZodType, ...z.ZodType[]]>(...schemas: S) {
  const facts: OperationFacts = { body: { contentType: 'application/json', schemas } }
  const middleware: With<{ message: Message<S> }> = (c, next) => {
    c.set('message', (schema) => body(c, schema ?? schemas[0]) as never)
    return next()
  }
  return tagged(facts, middleware)
}

/** The operation reads a body that is no JSON, by itself. */
export function takesOther(contentType: 'application/x-yaml' | 'multipart/form-data', schema: z.ZodType) {
  return tagged({ body: { contentType, schemas: [schema] } }, bystander())
}

/** The operation reads these parameters of the query, by itself. */
export function reads(...parameters: QueryParameter[]) {
  return tagged({ parameters }, bystander())
}

/** Says nothing but what it is tagged with; a new one each time, because the facts hang on it. */
const bystander = (): MiddlewareHandler<WorkerEnv> => (_c, next) => next()

/** `c.var.answer(row)` answers the resource; named by its guid as it is now, for after a write. */
export function answers<TB extends keyof Tables, R extends ResourceRow, E>(
  status: SuccessStatus,
  resource: Resource<TB, R, E>,
) {
  const middleware: With<{ answer: (row: R | string) => Promise<Response> }> = (c, next) => {
    c.set('answer', async (row) =>
      c.json(await presented(c, resource, typeof row === 'string' ? await reread(c, resource, row) : row), status),
    )
    return next()
  }
  return tagged({ answer: { kind: 'resource', status, resource } }, middleware)
}

/** `c.var.answer(document)` answers a document of this schema, which is not checked again. */
export function answersWith<S extends z.ZodType>(status: SuccessStatus, schema: S) {
  const middleware: With<{ answer: (document: z.input<S>) => Response }> = (c, next) => {
    c.set('answer', (document) => c.json(document as object, status))
    return next()
  }
  return tagged({ answer: { kind: 'document', status, schema } }, middleware)
}

/** `c.var.answer()` answers no body. */
export function answersNothing(status: 200 | 204 = 204) {
  const middleware: With<{ answer: () => Response }> = (c, next) => {
    c.set('answer', () => c.body(null, status))
    return next()
  }
  return tagged({ answer: { kind: 'nothing', status } }, middleware)
}

/** `c.var.answer(text)` answers a document of this schema, which is YAML already. */
export function answersYaml(schema: z.ZodType) {
  const middleware: With<{ answer: (text: string) => Response }> = (c, next) => {
    c.set('answer', (text) => c.body(text, 200, { 'content-type': 'application/x-yaml; charset=utf-8' }))
    return next()
  }
  return tagged({ answer: { kind: 'yaml', schema } }, middleware)
}

/** `c.var.answer(file)` answers the file at this path, which the reactor sends. */
export function answersFile(contentType: string) {
  const middleware: With<{ answer: (file: string, headers?: Record<string, string>) => Response }> = (c, next) => {
    c.set('answer', (file, headers) =>
      c.body(null, 200, { 'content-type': contentType, ...headers, 'x-reactor-send-file': file }),
    )
    return next()
  }
  return tagged({ answer: { kind: 'file', contentType } }, middleware)
}

/**
 * `c.var.answer(job)` answers 202 with the job's address. The job is written together with what the second argument writes;
 * one that is written already is named by its guid.
 */
export function answersJob() {
  type Answer = (job: NewJob | string, before?: (trx: Trx) => Promise<void>) => Response | Promise<Response>
  const middleware: With<{ answer: Answer }> = (c, next) => {
    c.set('answer', (job, before) => (typeof job === 'string' ? accepted(c, job) : acceptJob(c, job, before)))
    return next()
  }
  return tagged({ answer: { kind: 'job' } }, middleware)
}

/** Parts of a list or a single resource that only the request tells. */
type PerRequest<O> = (c: RequestContext) => O | Promise<O>

/** The handler of a list. `perRequest` looks up a nested list's parent, and narrows the list to it. */
export function lists<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  {
    perRequest,
    ...rules
  }: ListRules & { readonly perRequest?: PerRequest<Omit<ListOptions<TB, R>, keyof ListRules>> } = {},
): Handler<WorkerEnv> {
  return tagged({ answer: { kind: 'list', resource, rules } }, async (c: Context<WorkerEnv>) =>
    list(c, resource, { ...(await perRequest?.(c)), ...rules }),
  )
}

/** The handler of a single resource. */
export function shows<TB extends keyof Tables, R extends ResourceRow, E>(
  resource: Resource<TB, R, E>,
  {
    perRequest,
    ...options
  }: Omit<ShowOptions<R>, 'alsoIncluded'> & {
    readonly perRequest?: PerRequest<Pick<ShowOptions<R>, 'alsoIncluded'>>
  } = {},
): Handler<WorkerEnv> {
  return tagged({ answer: { kind: 'show', resource, options } }, async (c: Context<WorkerEnv>) =>
    show(c, resource, { ...(await perRequest?.(c)), ...options }),
  )
}
